// core/engine/int8_check.cc -- fixed inputs, and the cosine of what becomes of them.
#include "core/engine/int8_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"

namespace attentiond {
namespace {

constexpr std::array<int64_t, 4> kRowLengths = {3, 8, 16, 32};

std::vector<float> RandomFloats(int64_t count, std::mt19937* generator) {
  std::vector<float> values(static_cast<size_t>(count));
  std::normal_distribution<float> normal;
  for (float& value : values) value = normal(*generator);
  return values;
}

}  // namespace

absl::StatusOr<CanaryOutputs> RunCanary(const Encoder& encoder) {
  const EncoderConfig& config = encoder.config();
  std::mt19937 generator(1);
  std::vector<int32_t> ids, positions;
  std::vector<int64_t> cumulative = {0};
  for (const int64_t wanted : kRowLengths) {
    const int64_t length = std::min(wanted, config.max_tokens());
    for (int64_t place = 0; place < length; ++place) {
      ids.push_back(static_cast<int32_t>(generator() % static_cast<uint32_t>(config.vocab_size)));
      positions.push_back(config.positions.first + static_cast<int32_t>(place));
    }
    cumulative.push_back(cumulative.back() + length);
  }
  const std::vector<int32_t> type_ids(config.type_vocab_size > 0 ? ids.size() : 0, 0);

  ThreadPool threads(1);
  ExecutionContext context(&threads);
  EncoderBatch batch;
  batch.ids = ids;
  batch.type_ids = type_ids;
  batch.positions = positions;
  batch.cumulative = cumulative;
  ASSIGN_OR_RETURN(const TensorView hidden, encoder.Run(batch, context));
  CanaryOutputs outputs;
  for (size_t row = 0; row + 1 < cumulative.size(); ++row) {
    const int64_t begin = cumulative[row] * config.hidden_size;
    const int64_t end = cumulative[row + 1] * config.hidden_size;
    outputs.emplace_back(static_cast<size_t>(end - begin));
    ToFloats(hidden, begin, absl::MakeSpan(outputs.back()));
  }
  return outputs;
}

std::vector<float> CanaryPixels(const VisionConfig& config) {
  std::mt19937 generator(1);
  return RandomFloats(config.image_values(), &generator);
}

std::vector<float> AsFloats(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.num_elements()));
  ToFloats(tensor, 0, absl::MakeSpan(values));
  return values;
}

absl::StatusOr<CanaryOutputs> RunCanary(const VisionEncoder& encoder) {
  const std::vector<float> pixels = CanaryPixels(encoder.config());
  const float* const picture = pixels.data();
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  ASSIGN_OR_RETURN(const TensorView hidden, encoder.Run({.pixels = {&picture, 1}}, context));
  return CanaryOutputs{AsFloats(hidden)};
}

absl::StatusOr<CanaryOutputs> RunCanary(const MultiHeadAttentionConfig& config,
                                        const MultiHeadAttentionLayer& layer) {
  AttentionLayerCall call;
  call.batch = 1;
  call.query_length = call.kv_length = 16;
  std::mt19937 generator(1);
  const auto inputs = [&](int64_t width) {
    return RandomFloats(call.query_length * width, &generator);
  };
  const std::vector<float> query = inputs(config.embed_dim), key = inputs(config.key_dim),
                           value = inputs(config.value_dim);
  CanaryOutputs outputs(1, std::vector<float>(query.size()));
  call.query = query.data();
  call.key = key.data();
  call.value = value.data();
  call.output = outputs[0].data();
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  RETURN_IF_ERROR(layer.Run(call, context));
  return outputs;
}

double Cosine(absl::Span<const float> a, absl::Span<const float> b) {
  double products = 0, a_squares = 0, b_squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    products += double{a[i]} * double{b[i]};
    a_squares += double{a[i]} * double{a[i]};
    b_squares += double{b[i]} * double{b[i]};
  }
  return products / std::sqrt(a_squares * b_squares);
}

absl::StatusOr<double> CompareInt8(const CanaryOutputs& in_int8, const CanaryOutputs& in_f32) {
  double lowest = 1;
  for (size_t i = 0; i < in_f32.size(); ++i) {
    const double cosine = Cosine(in_int8[i], in_f32[i]);
    // Written so that NaN becomes the lowest, and stays it.
    if (!(cosine >= lowest)) lowest = cosine;
    if (std::isnan(cosine)) break;
  }
  if (lowest >= kLowestInt8Cosine) return lowest;
  return absl::InvalidArgumentError(absl::StrFormat(
      "int8 is too coarse for this model: a cosine of %.3f to f32, at least %.2f is required; use "
      "--dtype bf16 or f32",
      lowest, kLowestInt8Cosine));
}

}  // namespace attentiond
