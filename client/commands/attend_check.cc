#include "client/commands/attend_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/tensor_conversion.h"
#include "core/base/status_macros.h"
#include "core/reference/attention.h"
#include "core/tensor/element.h"

namespace attentiond::client {
namespace {

// Plain loops do some 1e9 a second; the weights are kept in memory, 4 bytes each.
constexpr double kMaxMultiplications = 5e9;
constexpr double kMaxWeights = 1e8;

int64_t Dim(const Tensor& tensor, int axis) { return tensor.shape().dim(axis); }

absl::Status CannotCheck(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot check the reply: ", why));
}

// Everything that the loops take for granted.
absl::Status Validate(const AttendInputs& in) {
  for (const Tensor* tensor : {&in.query, &in.key, &in.value}) {
    if (tensor->shape().rank() != 4 || tensor->dtype() != in.query.dtype()) {
      return CannotCheck("query, key and value must have four dimensions and one type");
    }
  }
  const bool keys_fit = Dim(in.key, 0) == Dim(in.query, 0) && Dim(in.key, 3) == Dim(in.query, 3) &&
                        Dim(in.key, 1) > 0 && Dim(in.query, 1) % Dim(in.key, 1) == 0;
  const bool values_fit = Dim(in.value, 0) == Dim(in.key, 0) &&
                          Dim(in.value, 1) == Dim(in.key, 1) && Dim(in.value, 2) == Dim(in.key, 2);
  if (!keys_fit || !values_fit) return CannotCheck("the shapes of query, key and value differ");
  const int64_t scores[] = {Dim(in.query, 0), Dim(in.query, 1), Dim(in.query, 2), Dim(in.key, 2)};
  for (const auto* tensor : {&in.mask, &in.bias}) {
    if (!tensor->has_value()) continue;
    for (int axis = 0; axis < 4; ++axis) {
      const bool fits = (*tensor)->shape().rank() == 4 &&
                        (Dim(**tensor, axis) == 1 || Dim(**tensor, axis) == scores[axis]);
      if (!fits) return CannotCheck("the shape of the mask or the bias does not fit");
    }
  }
  const bool lengths_fit =
      in.kv_lengths.empty() || static_cast<int64_t>(in.kv_lengths.size()) == scores[0];
  if (!lengths_fit) return CannotCheck("there must be as many kv lengths as sequences");
  const double pairs = static_cast<double>(scores[0]) * static_cast<double>(scores[1]) *
                       static_cast<double>(scores[2]) * static_cast<double>(scores[3]);
  const auto channels = static_cast<double>(Dim(in.query, 3) + Dim(in.value, 3));
  if (pairs > kMaxWeights || pairs * channels > kMaxMultiplications) {
    return CannotCheck("the computation is too large to repeat here");
  }
  return absl::OkStatus();
}

template <typename Operand, typename Data>
Operand Dense(const Shape& shape, Data* data) {
  return {data, shape.dim(1) * shape.dim(2) * shape.dim(3), shape.dim(2) * shape.dim(3),
          shape.dim(3)};
}

// A dimension of 1 is broadcast: its stride is 0.
template <typename T>
AttentionBroadcast<T> Broadcast(const Tensor& tensor) {
  int64_t strides[4] = {};
  int64_t stride = 1;
  for (int axis = 3; axis >= 0; --axis) {
    strides[axis] = Dim(tensor, axis) == 1 ? 0 : stride;
    stride *= Dim(tensor, axis);
  }
  return {static_cast<const T*>(tensor.view().data), strides[0], strides[1], strides[2],
          strides[3]};
}

AttentionArgs ToArgs(const AttendInputs& in) {
  AttentionArgs args;
  args.batch = Dim(in.query, 0);
  args.num_heads = Dim(in.query, 1);
  args.num_kv_heads = Dim(in.key, 1);
  args.head_dim = Dim(in.query, 3);
  args.value_dim = Dim(in.value, 3);
  args.dtype = in.query.dtype();
  args.query_lengths.dense_length = Dim(in.query, 2);
  args.kv_lengths.dense_length = Dim(in.key, 2);
  args.query = Dense<AttentionOperand>(in.query.shape(), in.query.view().data);
  args.key = Dense<AttentionOperand>(in.key.shape(), in.key.view().data);
  args.value = Dense<AttentionOperand>(in.value.shape(), in.value.view().data);
  args.scale = in.scale;
  args.causal = in.causal;
  args.window = in.window;
  args.softcap = in.softcap;
  if (in.mask) args.mask = Broadcast<bool>(*in.mask);
  if (in.bias) args.bias = Broadcast<float>(*in.bias);
  args.valid_kv = in.kv_lengths;
  return args;
}

double LargestMagnitude(const Tensor& tensor) {
  double largest = 0;
  for (int64_t i = 0; i < tensor.shape().num_elements(); ++i) {
    largest =
        std::max(largest, std::abs(double{LoadElement(tensor.view().data, tensor.dtype(), i)}));
  }
  return largest;
}

// A score is a sum of D products: in single precision it is off by at most
// (D + 3) u |scale| D max|q| max|k|, u = 2^-23 covering product, sum, scale and bias. Twice that is
// the relative error of a probability (numerator and denominator), to which the exponential, the
// sum over Sk and the product with V add (Sk + 8) u. Where the tensors have 16 bits, probabilities
// and output may be rounded to their type: two times its unit roundoff.
double ErrorBound(const AttendInputs& in) {
  constexpr double kUnit = std::numeric_limits<float>::epsilon();
  const auto depth = static_cast<double>(Dim(in.query, 3));
  const double scale = std::abs(in.scale.value_or(1 / std::sqrt(std::max(1.0, depth))));
  double magnitude = scale * depth * LargestMagnitude(in.query) * LargestMagnitude(in.key);
  if (in.bias) magnitude += LargestMagnitude(*in.bias);
  const double score_error = (depth + 3) * kUnit * magnitude;
  double storage = 0;
  if (in.query.dtype() == DType::kBF16) storage = 2 * 0x1p-8;
  if (in.query.dtype() == DType::kF16) storage = 2 * 0x1p-11;
  const double relative =
      2 * score_error + (static_cast<double>(Dim(in.key, 2)) + 8) * kUnit + storage;
  return relative * std::max(1.0, LargestMagnitude(in.value));
}

absl::StatusOr<double> LargestDifference(const char* name, const Tensor& expected,
                                         const v1::Tensor& proto) {
  ASSIGN_OR_RETURN(const TensorView view, FromProto(proto));
  if (view.shape != expected.shape() || view.dtype != expected.dtype()) {
    return CannotCheck(absl::StrCat(name, " is ", view.shape.ToString(), " of ", Name(view.dtype),
                                    ", required ", expected.shape().ToString(), " of ",
                                    Name(expected.dtype())));
  }
  double largest = 0;
  for (int64_t i = 0; i < view.num_elements(); ++i) {
    const double found = double{LoadElement(view.data, view.dtype, i)};
    const double wanted = double{LoadElement(expected.view().data, expected.dtype(), i)};
    const double difference = found == wanted ? 0 : std::abs(found - wanted);
    // A NaN is as far off as can be.
    largest = std::isnan(difference) ? HUGE_VAL : std::max(largest, difference);
  }
  return largest;
}

}  // namespace

absl::StatusOr<AttendCheck> CheckReply(const AttendInputs& inputs,
                                       const v1::AttendResponse& response) {
  RETURN_IF_ERROR(Validate(inputs));
  const Shape& q = inputs.query.shape();
  Tensor output(inputs.query.dtype(), Shape({q.dim(0), q.dim(1), q.dim(2), Dim(inputs.value, 3)}));
  Tensor weights(DType::kF32, Shape({q.dim(0), q.dim(1), q.dim(2), Dim(inputs.key, 2)}));
  AttentionOutputs outputs;
  outputs.output = Dense<MutableAttentionOperand>(output.shape(), output.mutable_view().data);
  const auto strides = Dense<MutableAttentionOperand>(weights.shape(), weights.mutable_view().data);
  outputs.weights = weights.values<float>().data();
  outputs.weights_batch_stride = strides.batch_stride;
  outputs.weights_head_stride = strides.head_stride;
  outputs.weights_query_stride = strides.token_stride;
  reference::Attention(ToArgs(inputs), outputs);

  AttendCheck check;
  check.bound = ErrorBound(inputs);
  ASSIGN_OR_RETURN(check.largest_difference,
                   LargestDifference("output", output, response.output()));
  if (response.has_weights()) {
    ASSIGN_OR_RETURN(const double difference,
                     LargestDifference("weights", weights, response.weights()));
    check.largest_difference = std::max(check.largest_difference, difference);
  }
  return check;
}

}  // namespace attentiond::client
