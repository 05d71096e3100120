// core/models/encoder.h -- a transformer encoder of any family over a ragged batch.
//
// The rows of a batch lie one after the other in one [tokens, H] matrix: linear layers and norms
// see no rows at all, attention sees them by their cumulative lengths, and no padding is computed.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "core/models/encoder_attention.h"
#include "core/models/encoder_batch.h"
#include "core/models/encoder_config.h"
#include "core/models/encoder_weights.h"
#include "core/models/rotary_embedding.h"
#include "core/models/token_convolution.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// Immutable; may be shared by contexts.
class Encoder {
 public:
  /// Loads the encoder's weights. `types` are those of its linear layers; everything else computes
  /// in, and Run() returns, the type of the activations.
  static absl::StatusOr<Encoder> Load(const EncoderConfig& config, LinearTypes types,
                                      WeightLoader* loader);

  /// The last hidden states [T, hidden_size], of the batch's `first_token_rows` the first tokens
  /// only; in the context's memory: valid until the context runs something else. What a row gets
  /// does not depend on the others, bit for bit, nor on the number of threads.
  ///
  /// Numerics  sums, softmax and norms in f32; activations between the ops in their type.
  /// Source    Vaswani et al. 2017, arXiv:1706.03762, section 3; norms after the residual sums, or
  ///           before what is summed.
  absl::StatusOr<TensorView> Run(const EncoderBatch& batch, ExecutionContext& context) const;

  const EncoderConfig& config() const { return config_; }

 private:
  struct Activations;
  struct Positions {
    EncoderAttention attention;
    std::optional<RotaryEmbedding> rotary;
    std::optional<TokenConvolution> convolution;
  };
  Encoder(EncoderConfig config, DType compute, EncoderWeights weights, Positions positions);
  static absl::StatusOr<Positions> LoadPositions(const EncoderConfig& config, LinearTypes types,
                                                 WeightLoader* loader);

  Activations Prepare(const EncoderBatch& batch, ExecutionContext& context) const;
  absl::Status RunEmbeddings(const EncoderBatch& batch, const Activations& at,
                             ExecutionContext& context) const;
  absl::Status RunLayer(int64_t index, const EncoderBatch& batch, Activations* at,
                        ExecutionContext& context) const;
  absl::Status RunConvolution(const EncoderBatch& batch, const Activations& at,
                              ExecutionContext& context) const;
  void KeepFirstTokens(const EncoderBatch& batch, Activations* at) const;
  absl::Status RunFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                              ExecutionContext& context) const;
  absl::Status RunGatedFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                                   ExecutionContext& context) const;
  void RunNorm(const NormWeights& norm, const void* x, void* y, int64_t rows,
               ExecutionContext& context) const;
  /// Whether the last layer leaves out what is not wanted: a convolution needs all tokens.
  bool LastLayerIsShort() const { return !positions_.convolution || config_.num_layers > 1; }

  EncoderConfig config_;
  DType compute_;
  EncoderWeights weights_;
  Positions positions_;
};

}  // namespace attentiond
