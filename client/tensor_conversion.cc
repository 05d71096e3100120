#include "client/tensor_conversion.h"

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/tensor/element.h"
#include "core/tensor/half.h"

namespace attentiond::client {
namespace {

struct TypePair {
  DType dtype;
  v1::DataType proto;
};
constexpr TypePair kTypes[] = {
    {DType::kBool, v1::DATA_TYPE_BOOL}, {DType::kI32, v1::DATA_TYPE_INT32},
    {DType::kI64, v1::DATA_TYPE_INT64}, {DType::kF16, v1::DATA_TYPE_FP16},
    {DType::kBF16, v1::DATA_TYPE_BF16}, {DType::kF32, v1::DATA_TYPE_FP32},
    {DType::kI8, v1::DATA_TYPE_INT8},
};

template <typename From>
float Widen(From value) {
  if constexpr (std::is_same_v<From, double>) {
    return static_cast<float>(value);
  } else if constexpr (std::is_same_v<From, float>) {
    return value;
  } else {
    return ToFloat(value);
  }
}

// The source may be unaligned: it can lie inside a message or a mapped file.
template <typename From>
void WidenAll(const TensorView& from, absl::Span<float> to) {
  const char* bytes = static_cast<const char*>(from.data);
  for (float& value : to) {
    From element;
    std::memcpy(&element, bytes, sizeof(element));
    value = Widen(element);
    bytes += sizeof(element);
  }
}

}  // namespace

absl::StatusOr<v1::Tensor> ToProto(const TensorView& tensor) {
  for (const TypePair& type : kTypes) {
    if (type.dtype != tensor.dtype) continue;
    v1::Tensor proto;
    proto.set_dtype(type.proto);
    for (const int64_t dim : tensor.shape.dims()) proto.add_shape(dim);
    proto.set_data(static_cast<const char*>(tensor.data), tensor.num_bytes());
    return proto;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a tensor of ", Name(tensor.dtype), " cannot be sent; use bool, i32, i64, f16, bf16 or f32"));
}

absl::StatusOr<TensorView> FromProto(const v1::Tensor& tensor) {
  for (const TypePair& type : kTypes) {
    if (type.proto != tensor.dtype()) continue;
    ASSIGN_OR_RETURN(Shape shape, Shape::Create(tensor.shape()));
    TensorView view{tensor.data().data(), type.dtype, std::move(shape)};
    if (view.num_bytes() != tensor.data().size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a tensor of shape ", view.shape.ToString(), " and type ", Name(view.dtype),
                       " has ", tensor.data().size(), " bytes, not ", view.num_bytes()));
    }
    return view;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a tensor has the unknown type ", static_cast<int>(tensor.dtype())));
}

absl::StatusOr<Tensor> ToFloat32(const TensorView& tensor) {
  Tensor result(DType::kF32, tensor.shape);
  switch (tensor.dtype) {
    case DType::kF16:
      WidenAll<Float16>(tensor, result.values<float>());
      return result;
    case DType::kBF16:
      WidenAll<BFloat16>(tensor, result.values<float>());
      return result;
    case DType::kF32:
      WidenAll<float>(tensor, result.values<float>());
      return result;
    case DType::kF64:
      WidenAll<double>(tensor, result.values<float>());
      return result;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("a tensor of ", Name(tensor.dtype), ", not of a floating type"));
  }
}

absl::StatusOr<Tensor> ToFloating(const TensorView& tensor, DType dtype) {
  ASSIGN_OR_RETURN(Tensor wide, ToFloat32(tensor));
  if (dtype == DType::kF32) return wide;
  Tensor result(dtype, tensor.shape);
  int64_t index = 0;
  for (const float value : wide.values<float>()) {
    StoreElement(result.mutable_view().data, dtype, index++, value);
  }
  return result;
}

}  // namespace attentiond::client
