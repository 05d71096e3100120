// core/text/normalizers/character_normalizers.h -- normalizers that treat each character alone:
// Lowercase, StripAccents, Nmt, ByteLevel.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/normalizer.h"

namespace attentiond {

/// Source: the normalizers of these names of huggingface/tokenizers.
class LowercaseNormalizer final : public Normalizer {
 public:
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;
};

/// Drops combining marks; what is accented in one character stays (NFD takes it apart).
class StripAccents final : public Normalizer {
 public:
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;
};

/// Drops control characters, and makes spaces of some others.
class NmtNormalizer final : public Normalizer {
 public:
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;
};

/// Writes each byte as a character of ByteAlphabet.
class ByteLevelNormalizer final : public Normalizer {
 public:
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);
  absl::Status Normalize(AlignedText* text) const override;
};

}  // namespace attentiond
