// core/models/vision_encoder.h -- a transformer encoder of pictures.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/encoder_layers.h"
#include "core/models/vision_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// B pictures. Borrowed; validated by the caller.
struct VisionBatch {
  absl::Span<const float* const> pixels;  ///< [B], each [channels, height, width] as the config has

  /// As EncoderBatch's: of the last pictures, and of the first ones.
  absl::Span<float* const> attentions = {};
  size_t first_token_rows = 0;
};

/// Cuts pictures into patches, projects each to a token, adds what is learned for each position,
/// and runs the layers. Immutable; may be shared by contexts.
class VisionEncoder {
 public:
  /// The names of the weights have the family's prefix, or none, or "encoder." as those of an
  /// encoder with a decoder have. `types` are those of the linear layers, but of the patches':
  /// that one computes in the type of the activations.
  static absl::StatusOr<VisionEncoder> Load(const VisionConfig& config, LinearTypes types,
                                            WeightLoader* loader);

  /// The last hidden states, of each picture tokens() one after the other: the leading ones, then
  /// the patches row by row. Of the first `first_token_rows` pictures the first token only. As
  /// EncoderLayers::Run() otherwise.
  /// Source: Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1.
  absl::StatusOr<TensorView> Run(const VisionBatch& batch, ExecutionContext& context) const;

  const VisionConfig& config() const { return config_; }

 private:
  VisionEncoder(const VisionConfig& config, DType compute, Linear patches,
                std::vector<float> embeddings, EncoderLayers layers)
      : config_(config),
        compute_(compute),
        patches_(std::move(patches)),
        embeddings_(std::move(embeddings)),
        layers_(std::move(layers)) {}

  void Unfold(const VisionBatch& batch, void* patches, ExecutionContext& context) const;
  absl::Status Embed(const VisionBatch& batch, ExecutionContext& context) const;

  VisionConfig config_;
  DType compute_;
  Linear patches_;                 // a patch's values -> H
  std::vector<float> embeddings_;  // [tokens, H]: positions, and the leading tokens with theirs
  EncoderLayers layers_;
};

}  // namespace attentiond
