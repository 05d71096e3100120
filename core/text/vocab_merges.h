// core/text/vocab_merges.h -- the older tokenizer files of byte-level BPE: vocab.json and
// merges.txt, with tokenizer_config.json.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/tokenizer_config.h"

namespace attentiond {

/// The tokenizer.json that says the same as `vocab`, the root of a vocab.json, `merges`, the
/// contents of a merges.txt, and `config` (add_prefix_space, trim_offsets, special tokens,
/// added_tokens_decoder).
///
/// Errors
///   kInvalidArgument  `merges` is not UTF-8, or `vocab` lacks a special token that is needed.
///   kUnimplemented    `config` names no tokenizer class, or one that uses the files in another
///   way.
/// Source: RobertaConverter, GPT2Converter and Qwen2Converter of huggingface/transformers.
absl::StatusOr<nlohmann::json> TokenizerJsonFromMerges(const nlohmann::json& vocab,
                                                       absl::string_view merges,
                                                       const TokenizerConfig& config);

}  // namespace attentiond
