// core/models/encoder_embeddings.h -- from token ids to what an encoder's layers begin with.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/models/encoder_batch.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// What the names of the encoder's weights begin with: the family's prefix, or nothing.
std::string EncoderPrefix(const EncoderFamily& family, const Checkpoint& checkpoint);

/// The sum of word, position and type embeddings, normed and, in some families, projected.
/// Symbols: H hidden_size, E embedding_size. Immutable; may be shared by contexts.
class EncoderEmbeddings {
 public:
  /// Computes in the type of the activations of `types`.
  static absl::StatusOr<EncoderEmbeddings> Load(const EncoderConfig& config,
                                                const std::string& prefix, LinearTypes types,
                                                WeightLoader* loader);

  /// Writes [T, H], RowStride() apart, to `hidden`, which is not in the context's workspace slot
  /// kAttentionOutput.
  absl::Status Run(const EncoderBatch& batch, void* hidden, ExecutionContext& context) const;

 private:
  EncoderEmbeddings() = default;

  DType compute_ = DType::kF32;
  int64_t hidden_size_ = 0, embedding_size_ = 0;
  float epsilon_ = 0;
  Tensor words_;      // [vocab_size, E], in the type it is stored in
  Tensor positions_;  // [max_positions, E]; empty without a table
  Tensor types_;      // [type_vocab_size, E]; empty without token types
  NormWeights norm_;
  std::optional<Linear> projection_;  // E -> H
  bool norms_first_ = true;           // and projects then
};

}  // namespace attentiond
