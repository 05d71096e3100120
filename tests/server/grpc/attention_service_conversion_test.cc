// tests/server/grpc/attention_service_conversion_test.cc -- messages to types and back, without a
// server.
#include "server/grpc/attention_service_conversion.h"

#include <gtest/gtest.h>

#include <string>

#include "server/inference/field_error.h"

namespace attentiond {
namespace {

v1::Tensor FourBytes(v1::DataType dtype, int64_t elements) {
  v1::Tensor tensor;
  tensor.set_dtype(dtype);
  tensor.add_shape(elements);
  tensor.set_data("\1\0\1\0", 4);
  return tensor;
}

TEST(ViewOfTest, BorrowsEveryType) {
  struct Case {
    v1::DataType proto;
    int64_t elements;
    DType dtype;
  };
  const Case cases[] = {
      {v1::DATA_TYPE_BOOL, 4, DType::kBool}, {v1::DATA_TYPE_INT32, 1, DType::kI32},
      {v1::DATA_TYPE_FP16, 2, DType::kF16},  {v1::DATA_TYPE_BF16, 2, DType::kBF16},
      {v1::DATA_TYPE_FP32, 1, DType::kF32},  {v1::DATA_TYPE_INT8, 4, DType::kI8},
  };
  for (const Case& c : cases) {
    const v1::Tensor tensor = FourBytes(c.proto, c.elements);
    const auto view = ViewOf("query", tensor);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->dtype, c.dtype);
    EXPECT_EQ(view->shape, Shape({c.elements}));
    EXPECT_EQ(view->data, tensor.data().data());
    EXPECT_EQ(ToProto(c.dtype), c.proto);
  }
}

TEST(ViewOfTest, AScalarHasOneElementAndAnEmptyTensorNone) {
  v1::Tensor tensor = FourBytes(v1::DATA_TYPE_FP32, 1);
  tensor.clear_shape();
  EXPECT_TRUE(ViewOf("scale", tensor).ok());
  tensor.clear_data();
  EXPECT_EQ(FieldOf(ViewOf("scale", tensor).status()), "scale.data");
  tensor.add_shape(0);
  EXPECT_TRUE(ViewOf("scale", tensor).ok());
}

TEST(ViewOfTest, NamesTheFieldBelowTheTensor) {
  EXPECT_EQ(ViewOf("key", FourBytes(v1::DATA_TYPE_INT64, 1)).status().message(),
            "key.data: 4 bytes, required 8 for INT64 [1]");
  EXPECT_EQ(FieldOf(ViewOf("key", FourBytes(v1::DATA_TYPE_UNSPECIFIED, 1)).status()), "key.dtype");
  EXPECT_EQ(FieldOf(ViewOf("key", FourBytes(v1::DATA_TYPE_FP32, -1)).status()), "key.shape");
}

TEST(AllocateTest, SizesTheTensor) {
  v1::Tensor tensor;
  char* const data = Allocate(DType::kBF16, {2, 3}, &tensor);
  EXPECT_EQ(tensor.dtype(), v1::DATA_TYPE_BF16);
  EXPECT_EQ(tensor.shape_size(), 2);
  EXPECT_EQ(tensor.data().size(), 12u);
  EXPECT_EQ(data, tensor.data().data());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 8, 0u);
}

TEST(ToEncodeInputsTest, TellsAnEmptyPairFromNone) {
  google::protobuf::RepeatedPtrField<v1::TextInput> inputs;
  inputs.Add()->set_text("a");
  inputs.Add()->set_text_pair("");
  const auto rows = ToEncodeInputs(inputs);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->at(0).text, "a");
  EXPECT_FALSE(rows->at(0).text_pair.has_value());
  EXPECT_TRUE(rows->at(1).text_pair.has_value());
}

TEST(InInputsTest, NamesTheInputOfARow) {
  google::protobuf::RepeatedPtrField<v1::TextInput> inputs;
  inputs.Add();
  inputs.Add()->set_text_pair("b");
  const absl::Status text = InInputs(inputs, FieldError("row 0", "too long"));
  EXPECT_EQ(text.message(), "inputs[0].text: too long");
  EXPECT_EQ(FieldOf(text), "inputs[0].text");
  const absl::Status pair = InInputs(inputs, FieldError("row 1", "too long"));
  EXPECT_EQ(pair.message(), "inputs[1]: too long");
  // Everything else stays.
  for (const absl::Status& other :
       {FieldError("row 2", "too long"), FieldError("row x", "?"), FieldError("top_k", "-1"),
        absl::InvalidArgumentError("row 0: no field"), absl::CancelledError("gone"),
        absl::OkStatus()}) {
    EXPECT_EQ(InInputs(inputs, other), other);
  }
}

TEST(SetTimingTest, SplitsSecondsAndNanoseconds) {
  CallTiming timing;
  timing.queue = absl::Nanoseconds(1);
  timing.tokenize = absl::Milliseconds(2500);
  v1::Timing proto;
  SetTiming(timing, &proto);
  EXPECT_EQ(proto.queue().seconds(), 0);
  EXPECT_EQ(proto.queue().nanos(), 1);
  EXPECT_EQ(proto.tokenize().seconds(), 2);
  EXPECT_EQ(proto.tokenize().nanos(), 500000000);
  EXPECT_TRUE(proto.has_compute());
}

}  // namespace
}  // namespace attentiond
