// core/models/classification_head.h -- logits from hidden states, of texts or of tokens.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// Tokens [begin, end) of a batch.
struct TokenRange {
  int64_t begin = 0, end = 0;
};

/// output(norm(activation(dense(x)))), as ClassificationHeadNames says. Computes in f32 whatever
/// the encoder computes in. Immutable.
class ClassificationHead {
 public:
  static absl::StatusOr<ClassificationHead> Load(const EncoderConfig& config, WeightLoader* loader);

  /// Of each range the logits of the mean of its tokens' hidden states. `hidden` [T, hidden_size]
  /// of f32 or bf16, not in the context's workspace slots kNormed, kProjection and kIntermediate;
  /// ranges are not empty. Returns the logits [ranges.size(), labels] in the context's memory:
  /// valid until the context runs something else.
  absl::StatusOr<absl::Span<const float>> Run(const TensorView& hidden,
                                              absl::Span<const TokenRange> ranges,
                                              ExecutionContext& context) const;

  int64_t num_labels() const { return output_.out_features(); }

 private:
  ClassificationHead(const EncoderConfig& config, std::optional<Linear> dense,
                     std::optional<NormWeights> norm, Linear output);

  /// From [rows, width] to the same.
  absl::Status RunDense(int64_t rows, const float* x, float* y, ExecutionContext& context) const;

  std::optional<Linear> dense_;
  Activation activation_;
  std::optional<NormWeights> norm_;
  float epsilon_;
  Linear output_;
};

}  // namespace attentiond
