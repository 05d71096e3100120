// core/engine/int8_check.h -- how near a model that multiplies int8 is to itself in f32.
//
// Quantisation is a property of a checkpoint: one channel far larger than the others takes the
// steps away from them all. So each is measured when it is loaded, on inputs that are always the
// same.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/encoder.h"
#include "core/models/multi_head_attention_config.h"
#include "core/models/multi_head_attention_layer.h"
#include "core/models/vision_encoder.h"

namespace attentiond {

/// What a model makes of the check's inputs: one vector for each.
using CanaryOutputs = std::vector<std::vector<float>>;

/// The hidden states of a few rows of different lengths. On the calling thread alone; takes as long
/// as a batch of about 60 tokens.
absl::StatusOr<CanaryOutputs> RunCanary(const Encoder& encoder);
/// The hidden states of one picture of noise.
absl::StatusOr<CanaryOutputs> RunCanary(const VisionEncoder& encoder);
/// The outputs of a small batch.
absl::StatusOr<CanaryOutputs> RunCanary(const MultiHeadAttentionConfig& config,
                                        const MultiHeadAttentionLayer& layer);

/// The noise of which that picture is made: [channels, height, width].
std::vector<float> CanaryPixels(const VisionConfig& config);
/// A copy of what a model left in its context's memory.
std::vector<float> AsFloats(const TensorView& tensor);

/// Of the angle between two vectors of one size; NaN when one is zero.
double Cosine(absl::Span<const float> a, absl::Span<const float> b);

/// Less than this is refused.
inline constexpr double kLowestInt8Cosine = 0.90;

/// The lowest cosine between an output in int8 and the same in f32. kInvalidArgument: it is below
/// kLowestInt8Cosine, or not a number.
absl::StatusOr<double> CompareInt8(const CanaryOutputs& in_int8, const CanaryOutputs& in_f32);

}  // namespace attentiond
