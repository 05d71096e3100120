// core/models/classification_head.cc -- gathers hidden states and runs one or two linear layers.
#include "core/models/classification_head.h"

#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/models/pooling.h"
#include "core/ops/layer_norm.h"
#include "core/ops/workspace.h"

namespace attentiond {

ClassificationHead::ClassificationHead(const EncoderConfig& config, std::optional<Linear> dense,
                                       std::optional<NormWeights> norm, Linear output)
    : dense_(std::move(dense)),
      activation_(config.head_activation),
      norm_(std::move(norm)),
      epsilon_(config.layer_norm_eps),
      output_(std::move(output)) {}

absl::StatusOr<ClassificationHead> ClassificationHead::Load(const EncoderConfig& config,
                                                            WeightLoader* loader) {
  const ClassificationHeadNames& names = config.family->head;
  const int64_t hidden = config.hidden_size;
  const auto num_labels = static_cast<int64_t>(config.labels.labels.size());
  const bool of_tokens = config.task == EncoderTask::kTokenClassification;
  std::optional<Linear> dense;
  std::optional<NormWeights> norm;
  if (!of_tokens || names.tokens_use_dense) {
    ASSIGN_OR_RETURN(dense, loader->LoadLinear(names.dense, hidden, hidden, DType::kF32,
                                               config.head_dense_bias));
    if (names.norm != nullptr) {
      ASSIGN_OR_RETURN(norm, loader->LoadNorm(names.norm, hidden, config.norm_bias));
    }
  }
  ASSIGN_OR_RETURN(Linear output, loader->LoadLinear(of_tokens ? "classifier" : names.output,
                                                     num_labels, hidden, DType::kF32));
  return ClassificationHead(config, std::move(dense), std::move(norm), std::move(output));
}

absl::Status ClassificationHead::RunDense(int64_t rows, const float* x, float* y,
                                          ExecutionContext& context) const {
  const int64_t width = dense_->in_features();
  RETURN_IF_ERROR(dense_->Run({.x = x,
                               .x_stride = width,
                               .y = y,
                               .y_stride = width,
                               .rows = rows,
                               .activation = activation_},
                              context));
  if (norm_) {
    LayerNorm({.x = y,
               .y = y,
               .rows = rows,
               .width = width,
               .gamma = norm_->gamma.data(),
               .beta = norm_->beta.data(),
               .epsilon = epsilon_},
              context);
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const float>> ClassificationHead::Run(const TensorView& hidden,
                                                                absl::Span<const TokenRange> ranges,
                                                                ExecutionContext& context) const {
  const int64_t width = output_.in_features();
  const auto rows = static_cast<int64_t>(ranges.size());
  const auto floats = [&](Workspace::Slot slot, int64_t channels) {
    const auto count = static_cast<size_t>(rows * channels);
    return absl::MakeSpan(static_cast<float*>(context.workspace().Get(slot, count * sizeof(float))),
                          count);
  };
  const absl::Span<float> states = floats(Workspace::Slot::kNormed, width);
  const absl::Span<float> logits = floats(Workspace::Slot::kIntermediate, num_labels());
  for (size_t row = 0; row < ranges.size(); ++row) {
    MeanOfTokens(hidden, ranges[row].begin, ranges[row].end,
                 states.subspan(row * static_cast<size_t>(width), static_cast<size_t>(width)));
  }
  const float* x = states.data();
  if (dense_) {
    float* const dense = floats(Workspace::Slot::kProjection, width).data();
    RETURN_IF_ERROR(RunDense(rows, x, dense, context));
    x = dense;
  }
  RETURN_IF_ERROR(output_.Run(
      {.x = x, .x_stride = width, .y = logits.data(), .y_stride = num_labels(), .rows = rows},
      context));
  return absl::Span<const float>(logits);
}

}  // namespace attentiond
