// core/models/encoder.h -- a transformer encoder of texts, of any family, over a ragged batch.
#pragma once

#include "absl/status/statusor.h"
#include "core/models/encoder_batch.h"
#include "core/models/encoder_config.h"
#include "core/models/encoder_embeddings.h"
#include "core/models/encoder_layers.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// Immutable; may be shared by contexts.
class Encoder {
 public:
  /// Loads the encoder's weights. `types` are those of its linear layers; everything else computes
  /// in, and Run() returns, the type of the activations.
  static absl::StatusOr<Encoder> Load(const EncoderConfig& config, LinearTypes types,
                                      WeightLoader* loader);

  /// As EncoderLayers::Run(), of the batch's ids.
  absl::StatusOr<TensorView> Run(const EncoderBatch& batch, ExecutionContext& context) const;

  const EncoderConfig& config() const { return layers_.config(); }

 private:
  Encoder(EncoderEmbeddings embeddings, EncoderLayers layers)
      : embeddings_(std::move(embeddings)), layers_(std::move(layers)) {}

  EncoderEmbeddings embeddings_;
  EncoderLayers layers_;
};

}  // namespace attentiond
