// core/models/classification_head.h -- logits from the hidden state of each row's first token.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// BERT's pooler and classifier, DistilBERT's pre_classifier and classifier: output(activation(
/// dense(x))). Computes in f32 whatever the encoder computes in. Immutable.
class ClassificationHead {
 public:
  static absl::StatusOr<ClassificationHead> Load(const EncoderConfig& config, WeightLoader* loader);

  /// `hidden` [T, hidden_size] of f32 or bf16, not in the context's workspace slots kNormed,
  /// kProjection and kIntermediate; `first_tokens` are rows of it. Returns the logits
  /// [first_tokens.size(), labels] in the context's memory: valid until the context runs something
  /// else.
  absl::StatusOr<absl::Span<const float>> Run(const TensorView& hidden,
                                              absl::Span<const int64_t> first_tokens,
                                              ExecutionContext& context) const;

  int64_t num_labels() const { return output_.out_features(); }

 private:
  ClassificationHead(Linear dense, Activation activation, Linear output);

  Linear dense_;
  Activation activation_;
  Linear output_;
};

}  // namespace attentiond
