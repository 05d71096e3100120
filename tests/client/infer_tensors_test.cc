#include "client/infer_tensors.h"

#include <gtest/gtest.h>

namespace attentiond::client {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;

// What a server that echoes its inputs would answer.
ModelInferResponse Echo(const ModelInferRequest& request) {
  ModelInferResponse response;
  for (const auto& input : request.inputs()) {
    auto* const output = response.add_outputs();
    output->set_name(input.name());
    output->set_datatype(input.datatype());
    *output->mutable_shape() = input.shape();
  }
  *response.mutable_raw_output_contents() = request.raw_input_contents();
  return response;
}

TEST(InferTensorsTest, RoundTripsTensorsAndTexts) {
  ModelInferRequest request;
  Tensor tensor(DType::kI64, Shape({1, 2}));
  tensor.values<int64_t>()[0] = -7;
  tensor.values<int64_t>()[1] = int64_t{1} << 40;
  AddInput("ids", tensor.view(), &request);
  AddTextInput("text", {"", "caf\xc3\xa9", std::string("a\0b", 3)}, &request);
  const ModelInferResponse response = Echo(request);

  const auto ids = GetOutput("ids", response);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(ids->shape(), Shape({1, 2}));
  EXPECT_EQ(ids->values<int64_t>()[0], -7);
  EXPECT_EQ(ids->values<int64_t>()[1], int64_t{1} << 40);
  const auto texts = GetTextOutput("text", response);
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_EQ(*texts, (std::vector<std::string>{"", "caf\xc3\xa9", std::string("a\0b", 3)}));
}

TEST(InferTensorsTest, ReadsTypedContents) {
  ModelInferResponse response;
  auto* output = response.add_outputs();
  output->set_name("small");
  output->set_datatype("INT8");
  output->add_shape(2);
  output->mutable_contents()->add_int_contents(-1);
  output->mutable_contents()->add_int_contents(7);
  output = response.add_outputs();
  output->set_name("label");
  output->set_datatype("BYTES");
  output->add_shape(1);
  output->mutable_contents()->add_bytes_contents("POSITIVE");
  EXPECT_EQ(GetOutput("small", response)->values<int8_t>()[0], -1);
  EXPECT_EQ(GetTextOutput("label", response)->at(0), "POSITIVE");
}

ModelInferResponse OneOutput(const char* datatype, std::vector<int64_t> shape, std::string raw) {
  ModelInferResponse response;
  auto* const output = response.add_outputs();
  output->set_name("x");
  output->set_datatype(datatype);
  for (const int64_t dim : shape) output->add_shape(dim);
  response.add_raw_output_contents(std::move(raw));
  return response;
}

TEST(InferTensorsTest, ChecksReplies) {
  const auto code_of = [](const ModelInferResponse& response) {
    return GetOutput("x", response).status().code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code_of(OneOutput("FP32", {1}, "1234")), absl::StatusCode::kOk);
  EXPECT_EQ(code_of(OneOutput("FP32", {1}, "123")), kInvalid);
  EXPECT_EQ(code_of(OneOutput("FP32", {-1}, "1234")), kInvalid);
  EXPECT_EQ(code_of(OneOutput("FP32", {1, int64_t{1} << 62}, "1234")), kInvalid);
  EXPECT_EQ(code_of(OneOutput("COMPLEX", {1}, "1234")), kInvalid);
  EXPECT_EQ(code_of(OneOutput("BYTES", {1}, "1234")), kInvalid);
  EXPECT_TRUE(absl::IsNotFound(GetOutput("y", OneOutput("FP32", {1}, "1234")).status()));

  ModelInferResponse claims = OneOutput("FP32", {int64_t{1} << 50}, "");
  claims.clear_raw_output_contents();
  EXPECT_EQ(code_of(claims), kInvalid) << "must not allocate what it does not hold";

  const std::string five("\x05\0\0\0", 4);
  EXPECT_TRUE(GetTextOutput("x", OneOutput("BYTES", {1}, five + "12345")).ok());
  for (const auto& broken :
       {OneOutput("BYTES", {1}, five + "1234"), OneOutput("BYTES", {1}, "\x01"),
        OneOutput("BYTES", {2}, five + "12345"), OneOutput("FP32", {1}, "1234")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(GetTextOutput("x", broken).status()))
        << broken.ShortDebugString();
  }
}

}  // namespace
}  // namespace attentiond::client
