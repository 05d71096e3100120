// core/models/classification_head.cc -- gathers first tokens and runs two linear layers.
#include "core/models/classification_head.h"

#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/workspace.h"

namespace attentiond {

ClassificationHead::ClassificationHead(Linear dense, Activation activation, Linear output)
    : dense_(std::move(dense)), activation_(activation), output_(std::move(output)) {}

absl::StatusOr<ClassificationHead> ClassificationHead::Load(const EncoderConfig& config,
                                                            WeightLoader* loader) {
  const ClassificationHeadNames& names = config.family->head;
  const auto num_labels = static_cast<int64_t>(config.labels.labels.size());
  ASSIGN_OR_RETURN(Linear dense, loader->LoadLinear(names.dense, config.hidden_size,
                                                    config.hidden_size, DType::kF32));
  ASSIGN_OR_RETURN(Linear output,
                   loader->LoadLinear(names.output, num_labels, config.hidden_size, DType::kF32));
  return ClassificationHead(std::move(dense), names.activation, std::move(output));
}

absl::StatusOr<absl::Span<const float>> ClassificationHead::Run(
    const TensorView& hidden, absl::Span<const int64_t> first_tokens,
    ExecutionContext& context) const {
  const int64_t width = dense_.in_features();
  const size_t rows = first_tokens.size();
  const auto floats = [&](Workspace::Slot slot, int64_t channels) {
    const size_t count = rows * static_cast<size_t>(channels);
    return absl::MakeSpan(static_cast<float*>(context.workspace().Get(slot, count * sizeof(float))),
                          count);
  };
  const absl::Span<float> first = floats(Workspace::Slot::kNormed, width);
  const absl::Span<float> pooled = floats(Workspace::Slot::kProjection, width);
  const absl::Span<float> logits = floats(Workspace::Slot::kIntermediate, num_labels());

  for (size_t row = 0; row < rows; ++row) {
    ToFloats(hidden, first_tokens[row] * width,
             first.subspan(row * static_cast<size_t>(width), static_cast<size_t>(width)));
  }
  RETURN_IF_ERROR(dense_.Run({.x = first.data(),
                              .x_stride = width,
                              .y = pooled.data(),
                              .y_stride = width,
                              .rows = static_cast<int64_t>(rows),
                              .activation = activation_},
                             context));
  RETURN_IF_ERROR(output_.Run({.x = pooled.data(),
                               .x_stride = width,
                               .y = logits.data(),
                               .y_stride = num_labels(),
                               .rows = static_cast<int64_t>(rows)},
                              context));
  return absl::Span<const float>(logits);
}

}  // namespace attentiond
