#include "client/tensor_conversion.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/tensor/half.h"

namespace attentiond::client {
namespace {

TEST(TensorConversionTest, RoundTripsEveryTypeOfTheProtocol) {
  for (const DType dtype : {DType::kBool, DType::kI8, DType::kI32, DType::kI64, DType::kF16,
                            DType::kBF16, DType::kF32}) {
    Tensor tensor(dtype, Shape({2, 0, 3}));
    const auto empty = ToProto(tensor.view());
    ASSERT_TRUE(empty.ok()) << empty.status();
    EXPECT_EQ(FromProto(*empty)->shape, tensor.shape());

    tensor = Tensor(dtype, Shape({2, 3}));
    std::memset(tensor.mutable_view().data, 1, tensor.view().num_bytes());
    const auto proto = ToProto(tensor.view());
    ASSERT_TRUE(proto.ok()) << proto.status();
    const auto view = FromProto(*proto);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->dtype, dtype);
    EXPECT_EQ(view->shape, tensor.shape());
    EXPECT_EQ(std::memcmp(view->data, tensor.view().data, tensor.view().num_bytes()), 0);
  }
}

TEST(TensorConversionTest, RefusesWhatTheProtocolLacks) {
  const Tensor tensor(DType::kF64, Shape({1}));
  EXPECT_TRUE(absl::IsInvalidArgument(ToProto(tensor.view()).status()));
}

TEST(TensorConversionTest, ChecksReplies) {
  v1::Tensor proto;
  EXPECT_TRUE(absl::IsInvalidArgument(FromProto(proto).status())) << "no type";
  proto.set_dtype(v1::DATA_TYPE_FP32);
  proto.add_shape(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(FromProto(proto).status())) << "negative dimension";
  proto.set_shape(0, 2);
  proto.set_data("1234567");
  EXPECT_TRUE(absl::IsInvalidArgument(FromProto(proto).status())) << "7 bytes for 2 floats";
  proto.set_data("12345678");
  EXPECT_TRUE(FromProto(proto).ok());
}

TEST(ToFloat32Test, WidensAndRefuses) {
  Tensor half(DType::kF16, Shape({1}));
  half.values<Float16>()[0] = ToFloat16(-0.5f);
  EXPECT_EQ(ToFloat32(half.view())->values<float>()[0], -0.5f);
  Tensor brain(DType::kBF16, Shape({1}));
  brain.values<BFloat16>()[0] = ToBFloat16(3.0f);
  EXPECT_EQ(ToFloat32(brain.view())->values<float>()[0], 3.0f);
  Tensor wide(DType::kF64, Shape({1}));
  wide.values<double>()[0] = 0.25;
  EXPECT_EQ(ToFloat32(wide.view())->values<float>()[0], 0.25f);
  EXPECT_TRUE(absl::IsInvalidArgument(ToFloat32(Tensor(DType::kI64, Shape({1})).view()).status()));
}

}  // namespace
}  // namespace attentiond::client
