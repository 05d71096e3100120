// core/models/token_convolution.cc -- neighbours side by side, then a linear layer.
#include "core/models/token_convolution.h"

#include <cstring>
#include <string>
#include <utility>

#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/layer_norm.h"
#include "core/ops/row_stride.h"

namespace attentiond {
namespace {

constexpr int64_t kKernel = 3;

bool IsNeighbour(const EncoderBatch& batch, int64_t token, int64_t other, int64_t begin,
                 int64_t end) {
  if (other < begin || other >= end) return false;
  if (batch.places.empty()) return true;
  return batch.places[static_cast<size_t>(other)] - batch.places[static_cast<size_t>(token)] ==
         other - token;
}

}  // namespace

absl::StatusOr<TokenConvolution> TokenConvolution::Load(const EncoderConfig& config,
                                                        const std::string& prefix,
                                                        LinearTypes types, WeightLoader* loader) {
  const int64_t hidden = config.hidden_size;
  const std::string name = prefix + "encoder.conv.";
  ASSIGN_OR_RETURN(const TensorView stored,
                   loader->checkpoint().Get(name + "conv.weight", Shape{hidden, hidden, kKernel}));
  ASSIGN_OR_RETURN(const TensorView bias,
                   loader->checkpoint().Get(name + "conv.bias", Shape{hidden}));
  std::vector<float> values(static_cast<size_t>(stored.num_elements()));
  ToFloats(stored, 0, absl::MakeSpan(values));
  Tensor weight(DType::kF32, Shape{hidden, kKernel * hidden});
  const absl::Span<float> moved = weight.values<float>();
  size_t from = 0;
  for (int64_t out = 0; out < hidden; ++out) {
    for (int64_t in = 0; in < hidden; ++in) {
      for (int64_t k = 0; k < kKernel; ++k) {
        moved[static_cast<size_t>((out * kKernel + k) * hidden + in)] = values[from++];
      }
    }
  }
  ASSIGN_OR_RETURN(Linear linear, loader->MakeLinear(weight.view(), bias, types));
  ASSIGN_OR_RETURN(NormWeights norm, loader->LoadNorm(name + "LayerNorm", hidden));
  return TokenConvolution(std::move(linear), std::move(norm), config.disentangled->conv_activation,
                          config.layer_norm_eps);
}

absl::Status TokenConvolution::Run(const EncoderBatch& batch, const Call& call,
                                   ExecutionContext& context) const {
  const int64_t hidden = linear_.out_features();
  const DType dtype = linear_.types().activations;
  const int64_t stride = RowStride(hidden, dtype), wide_stride = RowStride(kKernel * hidden, dtype);
  const size_t row_bytes = static_cast<size_t>(hidden) * ByteSize(dtype);
  const auto tokens = static_cast<int64_t>(batch.ids.size());
  for (size_t row = 0; row + 1 < batch.cumulative.size(); ++row) {
    const int64_t begin = batch.cumulative[row], end = batch.cumulative[row + 1];
    for (int64_t token = begin; token < end; ++token) {
      for (int64_t k = 0; k < kKernel; ++k) {
        const int64_t other = token + k - 1;
        char* const to = static_cast<char*>(call.neighbours) +
                         static_cast<size_t>(token * wide_stride + k * hidden) * ByteSize(dtype);
        if (IsNeighbour(batch, token, other, begin, end)) {
          std::memcpy(to,
                      static_cast<const char*>(call.embeddings) +
                          static_cast<size_t>(other * stride) * ByteSize(dtype),
                      row_bytes);
        } else {
          std::memset(to, 0, row_bytes);
        }
      }
    }
  }
  RETURN_IF_ERROR(linear_.Run({.x = call.neighbours,
                               .x_stride = wide_stride,
                               .y = call.hidden,
                               .y_stride = stride,
                               .rows = tokens,
                               .activation = activation_,
                               .residual = call.hidden},
                              context));
  LayerNorm({.x = call.hidden,
             .y = call.hidden,
             .dtype = dtype,
             .rows = tokens,
             .width = hidden,
             .stride = stride,
             .gamma = norm_.gamma.data(),
             .beta = norm_.beta.data(),
             .epsilon = epsilon_},
            context);
  return absl::OkStatus();
}

}  // namespace attentiond
