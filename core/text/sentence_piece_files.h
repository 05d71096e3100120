// core/text/sentence_piece_files.h -- tokenizers that are only a SentencePiece model, with
// tokenizer_config.json.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/pipeline_tokenizer.h"
#include "core/text/tokenizer_config.h"

namespace attentiond {

/// What `bytes`, the contents of a .model or .spm file, and `config` make up. The ids are those
/// that the model was trained with, which differ from the file's by class: XLMRobertaTokenizer and
/// CamembertTokenizer put tokens of fairseq's before, T5Tokenizer puts sentinels behind.
///
/// Errors
///   kInvalidArgument  `bytes` is not such a file, or lacks a special token that is needed.
///   kUnimplemented    `config` names no tokenizer class, or another.
absl::StatusOr<TokenizerParts> PartsFromSentencePiece(absl::string_view bytes,
                                                      const TokenizerConfig& config);

}  // namespace attentiond
