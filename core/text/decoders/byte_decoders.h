// core/text/decoders/byte_decoders.h -- decoders of tokens that stand for bytes: ByteLevel,
// ByteFallback.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/decoder.h"

namespace attentiond {

/// Reads the characters of ByteAlphabet as bytes. A token with another character stays as it is;
/// bytes that are no character become U+FFFD. Source: ByteLevel of huggingface/tokenizers.
class ByteLevelDecoder final : public Decoder {
 public:
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;
};

/// Reads runs of tokens <0xNN> as bytes. When a run is not UTF-8, each of its tokens becomes
/// U+FFFD. Source: ByteFallback of huggingface/tokenizers.
class ByteFallbackDecoder final : public Decoder {
 public:
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);
  absl::Status Decode(std::vector<std::string>* pieces) const override;
};

}  // namespace attentiond
