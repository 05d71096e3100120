// core/text/vocab_txt.h -- BERT's older tokenizer files: vocab.txt, one token a line, with
// tokenizer_config.json.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/tokenizer_config.h"

namespace attentiond {

/// The tokenizer.json that says the same as `vocab`, the contents of a vocab.txt, and `config`
/// (do_lower_case, tokenize_chinese_chars, strip_accents, special tokens, added_tokens_decoder). Of
/// equal lines the last counts.
///
/// Errors
///   kInvalidArgument  `vocab` is not UTF-8 or lacks the classification, separator or unknown
///                     token; a field of `config` is broken.
///   kUnimplemented    `config` names a tokenizer class that uses the file in another way.
/// Source: convert_slow_tokenizer's BertConverter of huggingface/transformers.
absl::StatusOr<nlohmann::json> TokenizerJsonFromVocab(absl::string_view vocab,
                                                      const TokenizerConfig& config);

}  // namespace attentiond
