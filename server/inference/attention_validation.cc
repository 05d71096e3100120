// server/inference/attention_validation.cc -- shapes, types, ranges and limits of raw attention.
#include "server/inference/attention_validation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "server/inference/field_error.h"
#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

struct Dimensions {
  int64_t batch, num_heads, num_kv_heads, query_length, kv_length, head_dim, value_dim;

  Shape scores() const { return {batch, num_heads, query_length, kv_length}; }
};

absl::Status CheckRank(absl::string_view field, const TensorView& tensor,
                       absl::string_view layout) {
  if (tensor.shape.rank() != 4) {
    return FieldError(field, absl::StrCat("shape ", tensor.shape.ToString(),
                                          ", required four dimensions ", layout));
  }
  for (const int64_t dim : tensor.shape.dims()) {
    if (dim < 1) {
      return FieldError(field, absl::StrCat("shape ", tensor.shape.ToString(),
                                            ", required at least 1 in each dimension"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDim(absl::string_view field, const TensorView& tensor, int axis,
                      absl::string_view dimension, int64_t required, absl::string_view other) {
  if (tensor.shape.dim(axis) == required) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("shape ", tensor.shape.ToString(), " has ", dimension, " ",
                          tensor.shape.dim(axis), ", required ", required, " as in ", other));
}

absl::Status CheckTypes(const AttentionTensors& tensors) {
  const DType dtype = tensors.query.dtype;
  if (dtype != DType::kF32 && dtype != DType::kBF16 && dtype != DType::kF16) {
    return FieldError("query",
                      absl::StrCat("type ", WireName(dtype), ", required FP32, BF16 or FP16"));
  }
  const std::pair<absl::string_view, const TensorView*> others[] = {{"key", &tensors.key},
                                                                    {"value", &tensors.value}};
  for (const auto& [field, tensor] : others) {
    if (tensor->dtype != dtype) {
      return FieldError(field, absl::StrCat("type ", WireName(tensor->dtype), ", required ",
                                            WireName(dtype), " as in query"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Dimensions> CheckOperands(const AttentionTensors& tensors) {
  const auto& [query, key, value, mask, bias, kv_lengths] = tensors;
  RETURN_IF_ERROR(CheckTypes(tensors));
  RETURN_IF_ERROR(CheckRank("query", query, "[batch, heads, query length, head dim]"));
  RETURN_IF_ERROR(CheckRank("key", key, "[batch, kv heads, key length, head dim]"));
  RETURN_IF_ERROR(CheckRank("value", value, "[batch, kv heads, key length, value dim]"));
  const Dimensions dims = {query.shape.dim(0), query.shape.dim(1), key.shape.dim(1),
                           query.shape.dim(2), key.shape.dim(2),   query.shape.dim(3),
                           value.shape.dim(3)};
  RETURN_IF_ERROR(CheckDim("key", key, 0, "batch", dims.batch, "query"));
  RETURN_IF_ERROR(CheckDim("key", key, 3, "head dim", dims.head_dim, "query"));
  if (dims.num_heads % dims.num_kv_heads != 0) {
    return FieldError("key", absl::StrCat("shape ", key.shape.ToString(), " has ",
                                          dims.num_kv_heads, " heads, required a divisor of the ",
                                          dims.num_heads, " heads of query"));
  }
  RETURN_IF_ERROR(CheckDim("value", value, 0, "batch", dims.batch, "query"));
  RETURN_IF_ERROR(CheckDim("value", value, 1, "heads", dims.num_kv_heads, "key"));
  RETURN_IF_ERROR(CheckDim("value", value, 2, "length", dims.kv_length, "key"));
  return dims;
}

template <typename T>
absl::Status CheckBroadcast(absl::string_view field, const TensorView& tensor, DType dtype,
                            const Shape& scores, AttentionBroadcast<T>* broadcast) {
  if (tensor.dtype != dtype) {
    return FieldError(
        field, absl::StrCat("type ", WireName(tensor.dtype), ", required ", WireName(dtype)));
  }
  bool fits = tensor.shape.rank() == 4;
  for (int axis = 0; fits && axis < 4; ++axis) {
    fits = tensor.shape.dim(axis) == 1 || tensor.shape.dim(axis) == scores.dim(axis);
  }
  if (!fits) {
    return FieldError(
        field, absl::StrCat("shape ", tensor.shape.ToString(),
                            ", required four dimensions, each 1 or that of ", scores.ToString(),
                            " [batch, heads, query length, key length]"));
  }
  int64_t* const strides[] = {&broadcast->batch_stride, &broadcast->head_stride,
                              &broadcast->query_stride, &broadcast->key_stride};
  int64_t stride = 1;
  for (int axis = 3; axis >= 0; --axis) {
    *strides[axis] = tensor.shape.dim(axis) == 1 ? 0 : stride;
    stride *= tensor.shape.dim(axis);
  }
  broadcast->data = static_cast<const T*>(tensor.data);
  return absl::OkStatus();
}

absl::Status CheckBools(absl::string_view field, const TensorView& tensor) {
  const auto bytes = tensor.values<uint8_t>();
  const auto bad = std::find_if(bytes.begin(), bytes.end(), [](uint8_t b) { return b > 1; });
  if (bad == bytes.end()) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("element ", bad - bytes.begin(), " is ", *bad, ", required 0 or 1"));
}

template <typename T>
std::vector<int64_t> CopyIntegers(const TensorView& tensor) {
  std::vector<T> values(static_cast<size_t>(tensor.num_elements()));
  std::memcpy(values.data(), tensor.data, tensor.num_bytes());
  return {values.begin(), values.end()};
}

absl::StatusOr<std::vector<int64_t>> CheckKvLengths(const TensorView& tensor,
                                                    const Dimensions& dims) {
  if (tensor.dtype != DType::kI32 && tensor.dtype != DType::kI64) {
    return FieldError("kv_lengths",
                      absl::StrCat("type ", WireName(tensor.dtype), ", required INT32 or INT64"));
  }
  const Shape required = {dims.batch};
  if (!(tensor.shape == required)) {
    return FieldError("kv_lengths", absl::StrCat("shape ", tensor.shape.ToString(), ", required ",
                                                 required.ToString(), " [batch]"));
  }
  std::vector<int64_t> lengths =
      tensor.dtype == DType::kI32 ? CopyIntegers<int32_t>(tensor) : CopyIntegers<int64_t>(tensor);
  for (size_t b = 0; b < lengths.size(); ++b) {
    if (lengths[b] < 0 || lengths[b] > dims.kv_length) {
      return FieldError("kv_lengths",
                        absl::StrCat("element ", b, " is ", lengths[b],
                                     ", required 0 to the key length ", dims.kv_length));
    }
  }
  return lengths;
}

absl::Status CheckOptions(const AttentionOptions& options) {
  // The kernels work in f32: what is zero or infinite there would make NaN of finite input.
  constexpr double kMax = std::numeric_limits<float>::max();
  constexpr double kMin = std::numeric_limits<float>::min();
  if (options.scale && !(std::abs(*options.scale) <= kMax)) {
    return FieldError("scale", absl::StrCat(*options.scale, ", required finite in FP32"));
  }
  if (options.softcap && !(*options.softcap >= kMin && *options.softcap <= kMax)) {
    return FieldError("softcap",
                      absl::StrCat(*options.softcap, ", required above 0 and finite in FP32"));
  }
  if (options.window && *options.window < 1) {
    return FieldError("window", absl::StrCat(*options.window, ", required at least 1"));
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Dimensions& dims, DType dtype, const AttentionOptions& options,
                         const AttentionLimits& limits) {
  // In double: exact far past the limits, and cannot overflow.
  const double queries = static_cast<double>(dims.batch) * static_cast<double>(dims.num_heads) *
                         static_cast<double>(dims.query_length);
  const double scores = queries * static_cast<double>(dims.kv_length);
  const double flop = 2 * scores * static_cast<double>(dims.head_dim + dims.value_dim);
  // Whatever the limit: the scores must have a Shape.
  const double max_flop = std::min(limits.max_flop, 0x1p59);
  if (flop > max_flop) {
    return FieldError("query", absl::StrCat("with key and value this is ", flop,
                                            " floating point operations, the limit is ", max_flop));
  }
  const double output_bytes =
      queries * static_cast<double>(dims.value_dim) * static_cast<double>(ByteSize(dtype));
  const double weights_bytes = options.want_weights ? scores * sizeof(float) : 0;
  const double lse_bytes = options.want_lse ? queries * sizeof(float) : 0;
  const double bytes = output_bytes + weights_bytes + lse_bytes;
  if (bytes > static_cast<double>(limits.max_output_bytes)) {
    return FieldError("query", absl::StrCat("the outputs would take ", bytes,
                                            " bytes, the limit is ", limits.max_output_bytes));
  }
  return absl::OkStatus();
}

AttentionOperand DenseOperand(const TensorView& tensor) {
  const int64_t token_stride = tensor.shape.dim(3);
  const int64_t head_stride = tensor.shape.dim(2) * token_stride;
  return {tensor.data, tensor.shape.dim(1) * head_stride, head_stride, token_stride};
}

}  // namespace

absl::StatusOr<ValidAttention> ValidateAttention(const AttentionTensors& tensors,
                                                 const AttentionOptions& options,
                                                 const AttentionLimits& limits) {
  ASSIGN_OR_RETURN(const Dimensions dims, CheckOperands(tensors));
  RETURN_IF_ERROR(CheckOptions(options));
  RETURN_IF_ERROR(CheckLimits(dims, tensors.query.dtype, options, limits));

  ValidAttention valid;
  AttentionArgs& args = valid.args;
  if (tensors.mask) {
    RETURN_IF_ERROR(CheckBroadcast("mask", *tensors.mask, DType::kBool, dims.scores(), &args.mask));
    RETURN_IF_ERROR(CheckBools("mask", *tensors.mask));
  }
  if (tensors.bias) {
    RETURN_IF_ERROR(CheckBroadcast("bias", *tensors.bias, DType::kF32, dims.scores(), &args.bias));
  }
  if (tensors.kv_lengths) {
    ASSIGN_OR_RETURN(valid.kv_lengths, CheckKvLengths(*tensors.kv_lengths, dims));
    args.valid_kv = valid.kv_lengths;
  }

  args.batch = dims.batch;
  args.num_heads = dims.num_heads;
  args.num_kv_heads = dims.num_kv_heads;
  args.head_dim = dims.head_dim;
  args.value_dim = dims.value_dim;
  args.dtype = tensors.query.dtype;
  args.query_lengths.dense_length = dims.query_length;
  args.kv_lengths.dense_length = dims.kv_length;
  args.query = DenseOperand(tensors.query);
  args.key = DenseOperand(tensors.key);
  args.value = DenseOperand(tensors.value);
  args.scale = options.scale;
  args.causal = options.causal;
  args.softcap = options.softcap;
  // A window that covers everything is none; what is left cannot overflow index arithmetic.
  if (options.window && *options.window < dims.query_length + dims.kv_length) {
    args.window = options.window;
  }

  valid.output = {dims.batch, dims.num_heads, dims.query_length, dims.value_dim};
  valid.weights = dims.scores();
  valid.lse = {dims.batch, dims.num_heads, dims.query_length};
  valid.tokens = dims.batch * std::max(dims.query_length, dims.kv_length);
  return valid;
}

int64_t ValidAttention::OutputBytes(const AttentionOptions& options) const {
  constexpr auto kFloatBytes = static_cast<int64_t>(sizeof(float));
  return output.num_elements() * static_cast<int64_t>(ByteSize(args.dtype)) +
         (options.want_weights ? weights.num_elements() * kFloatBytes : 0) +
         (options.want_lse ? lse.num_elements() * kFloatBytes : 0);
}

AttentionOutputs ValidAttention::Outputs(void* output_data, float* weights_data,
                                         float* lse_data) const {
  AttentionOutputs outputs;
  outputs.output = {output_data, output.dim(1) * output.dim(2) * output.dim(3),
                    output.dim(2) * output.dim(3), output.dim(3)};
  if (weights_data != nullptr) {
    outputs.weights = weights_data;
    outputs.weights_query_stride = weights.dim(3);
    outputs.weights_head_stride = weights.dim(2) * weights.dim(3);
    outputs.weights_batch_stride = weights.dim(1) * outputs.weights_head_stride;
  }
  if (lse_data != nullptr) {
    outputs.lse = lse_data;
    outputs.lse_head_stride = lse.dim(2);
    outputs.lse_batch_stride = lse.dim(1) * lse.dim(2);
  }
  return outputs;
}

}  // namespace attentiond
