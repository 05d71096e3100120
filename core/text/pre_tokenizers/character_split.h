// core/text/pre_tokenizers/character_split.h -- pre-tokenizers that split at single characters of a
// kind: WhitespaceSplit, Punctuation, Digits, CharDelimiterSplit; and Whitespace, at the ends of
// runs.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/split_behavior.h"

namespace attentiond {

/// Source: the pre-tokenizers of these names of huggingface/tokenizers.
class CharacterSplit final : public PreTokenizer {
 public:
  using Predicate = bool (*)(char32_t c);

  CharacterSplit(Predicate splits_at, char32_t delimiter, SplitBehavior behavior)
      : splits_at_(splits_at), delimiter_(delimiter), behavior_(behavior) {}
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> WhitespaceSplit(const nlohmann::json& json);
  /// {"behavior"}.
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> Punctuation(const nlohmann::json& json);
  /// {"individual_digits"}.
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> Digits(const nlohmann::json& json);
  /// {"delimiter"}.
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> Delimiter(const nlohmann::json& json);

  absl::Status PreTokenize(PreTokenizedText* text) const override;

 private:
  Predicate splits_at_;  // null: at delimiter_
  char32_t delimiter_;
  SplitBehavior behavior_;
};

/// Words are runs of word characters, and runs of what is neither that nor white space.
class WhitespacePreTokenizer final : public PreTokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& json);
  absl::Status PreTokenize(PreTokenizedText* text) const override;
};

}  // namespace attentiond
