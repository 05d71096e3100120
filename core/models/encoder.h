// core/models/encoder.h -- the transformer encoder of BERT and its relatives over a ragged batch.
//
// The rows of a batch lie one after the other in one [tokens, H] matrix: linear layers and norms
// see no rows at all, attention sees them by their cumulative lengths, and no padding is computed.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/encoder_config.h"
#include "core/models/encoder_weights.h"
#include "core/ops/attention.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// The tokens of B rows, one row after the other: T tokens in all. Borrowed; validated by the
/// caller.
struct EncoderBatch {
  absl::Span<const int32_t> ids;         ///< [T], each in [0, vocab_size)
  absl::Span<const int32_t> type_ids;    ///< [T], each in [0, type_vocab_size); empty without types
  absl::Span<const int32_t> positions;   ///< [T], each in [0, max_positions)
  absl::Span<const int64_t> cumulative;  ///< [B + 1], from 0 to T: where each row begins

  /// Where the last attentions.size() rows of the batch want their attention probabilities:
  /// [layers, heads, S, S] of f32 for a row of S tokens.
  absl::Span<float* const> attentions;

  /// Of the first so many rows only the first token's hidden state is wanted, as classification
  /// does: the last layer leaves out the others. They do not want attentions.
  size_t first_token_rows = 0;
};

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
  /// Source    Vaswani et al. 2017, arXiv:1706.03762, section 3; norms after the residual sums.
  absl::StatusOr<TensorView> Run(const EncoderBatch& batch, ExecutionContext& context) const;

  const EncoderConfig& config() const { return config_; }

 private:
  struct Activations;
  Encoder(EncoderConfig config, DType compute, EncoderWeights weights);

  Activations Prepare(const EncoderBatch& batch, ExecutionContext& context) const;
  void RunEmbeddings(const EncoderBatch& batch, const Activations& at,
                     ExecutionContext& context) const;
  absl::Status RunLayer(size_t index, const EncoderBatch& batch, Activations* at,
                        ExecutionContext& context) const;
  absl::Status RunAttention(size_t index, const EncoderBatch& batch, const Activations& at,
                            ExecutionContext& context) const;
  absl::Status RunFirstTokensAttention(const EncoderBatch& batch, const Activations& at,
                                       ExecutionContext& context) const;
  void KeepFirstTokens(const EncoderBatch& batch, Activations* at) const;
  AttentionArgs ArgsFor(const Activations& at, int64_t first_token) const;
  void RunNorm(const NormWeights& norm, void* states, int64_t rows,
               ExecutionContext& context) const;

  EncoderConfig config_;
  DType compute_;
  EncoderWeights weights_;
};

}  // namespace attentiond
