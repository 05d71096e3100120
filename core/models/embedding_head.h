// core/models/embedding_head.h -- the embeddings of texts, from the hidden states of their tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/classification_head.h"
#include "core/models/pooling.h"
#include "core/models/sentence_transformers.h"
#include "core/ops/execution_context.h"
#include "core/ops/linear.h"

namespace attentiond {

/// One embedding that is wanted.
struct EmbeddingCall {
  TokenRange tokens;  ///< not empty
  Pooling pooling = Pooling::kModelDefault;
  int64_t dimensions = 0;  ///< the leading channels to keep; 0: all
  bool normalize = true;   ///< to L2 length 1, after the cut
};

/// Pooling, then perhaps linear layers. Computes in f32. Immutable.
class EmbeddingHead {
 public:
  /// kInvalidArgument, kNotFound: the files of a linear layer are broken or missing.
  static absl::StatusOr<EmbeddingHead> Load(const SentenceTransformersConfig& config,
                                            int64_t hidden_size);

  /// Values of an embedding; 0: what was chosen does not fit the linear layers behind.
  int64_t SizeOf(Pooling pooling) const;
  /// Whether the first token is all that the pooling reads.
  bool ReadsFirstTokenOnly(Pooling pooling) const;
  size_t loaded_bytes() const;

  /// `hidden` [T, hidden_size] of f32 or bf16, not in the context's workspace slots kNormed and
  /// kProjection. `store` is called once for each call, in their order.
  absl::Status Run(const TensorView& hidden, absl::Span<const EmbeddingCall> calls,
                   const std::function<void(size_t call, std::vector<float> embedding)>& store,
                   ExecutionContext& context) const;

 private:
  struct Dense {
    Linear linear;
    Activation activation;
  };

  EmbeddingHead(std::vector<PoolingMode> modes, int64_t hidden_size)
      : modes_(std::move(modes)), hidden_size_(hidden_size) {}

  std::vector<PoolingMode> ModesOf(Pooling pooling) const;
  absl::Status RunDense(std::vector<std::vector<float>>* vectors, ExecutionContext& context) const;

  std::vector<PoolingMode> modes_;
  int64_t hidden_size_;
  std::vector<Dense> dense_;
};

}  // namespace attentiond
