// core/models/seq2seq/caption_config.h -- what config.json says of a model that describes pictures.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/models/seq2seq/stack_config.h"
#include "core/models/vision_config.h"

namespace attentiond {

/// An encoder of pictures and a decoder of text that reads its states.
struct CaptionConfig {
  VisionConfig vision;
  StackConfig decoder;
  const StackNames* names = nullptr;  ///< of the decoder's weights
  /// A linear layer that makes the states as wide as the decoder's; "": the decoder reads them as
  /// they are.
  std::string memory_projection;
  /// What comes before the head: a linear layer, activated and normed; "": nothing.
  std::string head_transform;
  std::string head;       ///< the head's weight, if it is stored; else it is the embeddings
  std::string head_bias;  ///< "": there is none
  /// What the files of such models leave to their code.
  std::optional<int32_t> start_token, end_token;
};

/// The model_types: "vision-encoder-decoder" (with GPT-2), "blip".
absl::Span<const absl::string_view> CaptionModelTypes();

/// Parses config.json of one of those. Every message begins with "config.json: ".
///   kInvalidArgument, kUnimplemented  as ParseSeq2SeqConfig()
absl::StatusOr<CaptionConfig> ParseCaptionConfig(const nlohmann::json& config);

}  // namespace attentiond
