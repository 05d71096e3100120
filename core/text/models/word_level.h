// core/text/models/word_level.h -- every word is a token, or unknown.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/token_model.h"

namespace attentiond {

/// Source: WordLevel of huggingface/tokenizers.
class WordLevel final : public TokenModel {
 public:
  /// {"vocab", "unk_token"}.
  static absl::StatusOr<std::unique_ptr<TokenModel>> FromJson(const nlohmann::json& json);

  absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  WordLevel(Vocabulary vocabulary, std::optional<int32_t> unknown_id)
      : vocabulary_(std::move(vocabulary)), unknown_id_(unknown_id) {}

  Vocabulary vocabulary_;
  std::optional<int32_t> unknown_id_;
};

}  // namespace attentiond
