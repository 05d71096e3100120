// core/models/encoder_layers.h -- the layers of a transformer encoder over a ragged batch.
//
// The rows of a batch lie one after the other in one [tokens, H] matrix: linear layers and norms
// see no rows at all, attention sees them by their cumulative lengths, and no padding is computed.
// What the matrix holds at first, embeddings of words or of patches, is others' business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_attention.h"
#include "core/models/encoder_batch.h"
#include "core/models/encoder_config.h"
#include "core/models/encoder_layer_weights.h"
#include "core/models/rotary_embedding.h"
#include "core/models/token_convolution.h"
#include "core/ops/execution_context.h"
#include "core/ops/layer_norm.h"
#include "core/ops/row_stride.h"

namespace attentiond {

/// Immutable; may be shared by contexts.
class EncoderLayers {
 public:
  /// `types` are those of the linear layers; everything else computes in, and Run() returns, the
  /// type of the activations. `prefix` comes before the names of `config.family`.
  static absl::StatusOr<EncoderLayers> Load(const EncoderConfig& config, const std::string& prefix,
                                            LinearTypes types, WeightLoader* loader);

  /// Where Run() reads its input [T, hidden_size], in the context's memory, at stride().
  void* InputFor(int64_t tokens, ExecutionContext& context) const;
  int64_t stride() const { return RowStride(config_.hidden_size, compute_); }

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
  EncoderLayers(const EncoderConfig& config, DType compute, EncoderAttention attention)
      : config_(config), compute_(compute), attention_(std::move(attention)) {}

  Activations Prepare(const EncoderBatch& batch, ExecutionContext& context) const;
  absl::Status RunLayer(int64_t index, const EncoderBatch& batch, Activations* at,
                        ExecutionContext& context) const;
  absl::Status RunConvolution(const EncoderBatch& batch, const Activations& at,
                              ExecutionContext& context) const;
  void KeepFirstTokens(const EncoderBatch& batch, Activations* at) const;
  absl::Status RunFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                              ExecutionContext& context) const;
  absl::Status RunGatedFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                                   ExecutionContext& context) const;
  /// Without rows.
  LayerNormArgs NormOf(const NormWeights& weights) const;
  void RunNorm(const NormWeights& weights, const void* x, void* y, int64_t rows,
               ExecutionContext& context) const;
  bool NormsBefore() const { return config_.family->block != EncoderBlock::kPostNorm; }
  /// Whether the last layer leaves out what is not wanted: a convolution needs all tokens.
  bool LastLayerIsShort() const { return !convolution_ || config_.num_layers > 1; }

  EncoderConfig config_;
  DType compute_;
  EncoderAttention attention_;
  std::vector<EncoderLayerWeights> layers_;  // as stored; several may be run by one
  std::optional<NormWeights> final_norm_;
  std::optional<RotaryEmbedding> rotary_;
  std::optional<TokenConvolution> convolution_;
};

}  // namespace attentiond
