// core/text/decoders/text_decoders.h -- decoders that edit tokens: Metaspace, BPEDecoder, Fuse,
// Strip, Replace, CTC.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/decoder.h"
#include "core/text/pattern.h"
#include "core/text/pre_tokenizers/metaspace.h"

namespace attentiond {

/// Source of all: the decoders of these names of huggingface/tokenizers.

/// Makes spaces of the visible ones; of the first token's, none when it was put before the text.
class MetaspaceDecoder final : public Decoder {
 public:
  explicit MetaspaceDecoder(MetaspaceOptions options) : options_(std::move(options)) {}
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  MetaspaceOptions options_;
};

/// Makes spaces of the suffixes that end words; none at the end of the text.
class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  /// {"suffix"}.
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  std::string suffix_;
};

/// Joins all tokens into one, so that what follows sees the text as a whole.
class FuseDecoder final : public Decoder {
 public:
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;
};

/// Takes up to so many of a character off the ends of each token.
class StripDecoder final : public Decoder {
 public:
  StripDecoder(std::string content, size_t start, size_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}
  /// {"content", "start", "stop"}.
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  std::string content_;  // one character
  size_t start_;
  size_t stop_;
};

/// Puts something in place of each match.
class ReplaceDecoder final : public Decoder {
 public:
  ReplaceDecoder(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  /// {"pattern", "content"}.
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  Pattern pattern_;
  std::string content_;
};

/// Joins tokens in a row that are the same, and drops padding: what a model that labels each moment
/// of speech gives.
class CtcDecoder final : public Decoder {
 public:
  CtcDecoder(std::string pad, std::string delimiter, bool cleanup)
      : pad_(std::move(pad)), delimiter_(std::move(delimiter)), cleanup_(cleanup) {}
  /// {"pad_token", "word_delimiter_token", "cleanup"}.
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  std::string pad_;
  std::string delimiter_;
  bool cleanup_;
};

}  // namespace attentiond
