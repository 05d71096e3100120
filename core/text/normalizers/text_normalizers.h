// core/text/normalizers/text_normalizers.h -- normalizers that look at the text as a whole: Strip,
// Prepend, Replace.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/text/normalizer.h"
#include "core/text/pattern.h"

namespace attentiond {

/// Takes white space off the ends. Source: Strip of huggingface/tokenizers.
class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  /// {"strip_left", "strip_right"}.
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;

 private:
  bool left_;
  bool right_;
};

/// Puts something before a text that is not empty; its place is that of the first character.
class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prefix) : prefix_(std::move(prefix)) {}
  /// {"prepend"}.
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;

 private:
  std::string prefix_;
};

/// Puts something in place of each match; its place is that of the match's last character.
class ReplaceNormalizer final : public Normalizer {
 public:
  ReplaceNormalizer(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  /// {"pattern", "content"}.
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;

 private:
  Pattern pattern_;
  std::string content_;
};

}  // namespace attentiond
