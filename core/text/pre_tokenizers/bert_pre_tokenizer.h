// core/text/pre_tokenizers/bert_pre_tokenizer.h -- BERT's words: white space separates and is
// dropped, every punctuation character is a word of its own.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/pre_tokenizer.h"

namespace attentiond {

/// Source: BertPreTokenizer of huggingface/tokenizers.
class BertPreTokenizer final : public PreTokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& json);
  absl::Status PreTokenize(PreTokenizedText* text) const override;
};

}  // namespace attentiond
