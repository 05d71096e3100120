// Inputs against specs: what is accepted as a view, and what each error names.
#include "server/grpc/tensor_conversion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/field_error_matcher.h"
#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using inference::ModelInferRequest;
using testing::AddInput;
using testing::AddRaw;
using testing::AddRawText;
using testing::AddTypedFloats;
using testing::IsFieldError;
using testing::Words;

constexpr int64_t kNoLimit = -1;

const std::vector<TensorSpec>& Specs() {
  static const auto* const specs = new std::vector<TensorSpec>{
      {"query", {DType::kF32, DType::kF16}, {-1, 2}},
      {"text", {kBytes}, {-1}, /*optional=*/true},
      {"kv_lengths", {DType::kI64}, {-1}, /*optional=*/true},
  };
  return *specs;
}

absl::StatusOr<InputTensors> Read(const ModelInferRequest& request, int64_t max_rows = kNoLimit) {
  return InputTensors::Read(request, Specs(), max_rows);
}

ModelInferRequest GoodRaw() {
  ModelInferRequest request;
  AddRawText(&request, "text", {"a", "bc"});
  AddRaw<float>(&request, "query", "FP32", {1, 2}, {1, 2});
  return request;
}

TEST(InputTensorsTest, RawInAnyOrderWithoutACopy) {
  const ModelInferRequest request = GoodRaw();
  const auto inputs = Read(request);
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  const InputTensor* const query = inputs->Find("query");
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->type, DType::kF32);
  EXPECT_EQ(query->shape, (Shape{1, 2}));
  EXPECT_EQ(query->data, request.raw_input_contents(1).data());
  EXPECT_EQ(inputs->Find("text")->elements.size(), 2u);
  EXPECT_EQ(inputs->Find("kv_lengths"), nullptr);
}

TEST(InputTensorsTest, TypedWithoutACopy) {
  ModelInferRequest request;
  AddTypedFloats(&request, "query", {2, 2}, {1, 2, 3, 4});
  AddInput(&request, "text", "BYTES", {1})->mutable_contents()->add_bytes_contents("a");
  const auto inputs = Read(request);
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_EQ(inputs->Find("query")->data, request.inputs(0).contents().fp32_contents().data());
  EXPECT_EQ(inputs->Find("query")->view().values<float>()[3], 4);
}

TEST(InputTensorsTest, ZeroRows) {
  ModelInferRequest request;
  AddRaw<float>(&request, "query", "FP32", {0, 2}, {});
  EXPECT_TRUE(Read(request).ok());
  request.clear_raw_input_contents();
  EXPECT_TRUE(Read(request).ok());
}

TEST(InputTensorsTest, UnknownTwiceMissing) {
  ModelInferRequest request;
  AddRaw<float>(&request, "queri", "FP32", {1, 2}, {1, 2});
  EXPECT_THAT(Read(request), IsFieldError("inputs", Words{"\"queri\"", "query, text, kv_lengths"}));
  request = GoodRaw();
  AddRaw<float>(&request, "query", "FP32", {1, 2}, {1, 2});
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"twice"}));
  request.Clear();
  AddRawText(&request, "text", {"a"});
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"missing"}));
  request = GoodRaw();
  for (int i = 0; i < 1000; ++i) AddInput(&request, "x", "FP32", {});
  EXPECT_THAT(Read(request), IsFieldError("inputs", Words{"1002", "3"}));
}

TEST(InputTensorsTest, Datatype) {
  for (const std::string datatype : {"", "fp32", "FP64", "INT8", "BYTES", "FP32 "}) {
    ModelInferRequest request;
    AddRaw<float>(&request, "query", datatype, {1, 2}, {1, 2});
    EXPECT_THAT(Read(request),
                IsFieldError("inputs.query", Words{"\"" + datatype + "\"", "FP32, FP16"}));
  }
  ModelInferRequest half;
  AddRaw<uint16_t>(&half, "query", "FP16", {1, 2}, {0, 0});
  EXPECT_TRUE(Read(half).ok());
}

TEST(InputTensorsTest, Shape) {
  const std::vector<std::pair<testing::Shape64, std::string>> wrong = {
      {{2}, "[2]"},
      {{1, 2, 1}, "[1, 2, 1]"},
      {{2, 1}, "[2, 1]"},
      {{}, "[]"},
      {{-1, 2}, "-1"},
      {{int64_t{1} << 62, 2}, std::to_string(int64_t{1} << 62)},
      {{1, 1, 1, 1, 1, 1, 1, 1, 1}, "9"},
  };
  for (const auto& [shape, found] : wrong) {
    ModelInferRequest request;
    AddRaw<float>(&request, "query", "FP32", shape, {1, 2});
    EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{found}));
  }
}

TEST(InputTensorsTest, Rows) {
  ModelInferRequest request;
  AddRaw<float>(&request, "query", "FP32", {3, 2}, std::vector<float>(6));
  EXPECT_TRUE(Read(request, 3).ok());
  EXPECT_THAT(Read(request, 2), IsFieldError("inputs.query", Words{"[3, 2]", "at most 2 rows"}));
}

TEST(InputTensorsTest, RawSizes) {
  for (const size_t bytes : {0u, 7u, 9u, 16u}) {
    ModelInferRequest request;
    AddInput(&request, "query", "FP32", {1, 2});
    request.add_raw_input_contents(std::string(bytes, 'x'));
    EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{std::to_string(bytes), "8"}));
  }
  ModelInferRequest text = GoodRaw();
  text.mutable_raw_input_contents(0)->pop_back();
  EXPECT_THAT(Read(text), IsFieldError("inputs.text", Words{"element 1"}));
}

TEST(InputTensorsTest, RawEntriesAndContents) {
  ModelInferRequest request = GoodRaw();
  request.add_raw_input_contents("");
  EXPECT_THAT(Read(request), IsFieldError("raw_input_contents", Words{"3", "2"}));
  request = GoodRaw();
  request.mutable_raw_input_contents()->RemoveLast();
  EXPECT_THAT(Read(request), IsFieldError("raw_input_contents", Words{"1", "2"}));
  request = GoodRaw();
  request.mutable_inputs(1)->mutable_contents()->add_fp32_contents(1);
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"contents", "raw"}));
}

TEST(InputTensorsTest, TypedSizes) {
  ModelInferRequest request;
  AddTypedFloats(&request, "query", {1, 2}, {1});
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"1", "2", "fp32_contents"}));
  request.Clear();
  AddInput(&request, "query", "FP16", {1, 2})->mutable_contents()->add_fp32_contents(1);
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"FP16", "raw_input_contents"}));
}

TEST(InputTensorsTest, Parameters) {
  ModelInferRequest request = GoodRaw();
  (*request.mutable_inputs(1)->mutable_parameters())["triton_x"].set_bool_param(true);
  EXPECT_TRUE(Read(request).ok());
  (*request.mutable_inputs(1)->mutable_parameters())["shared_memory_region"].set_string_param("r");
  EXPECT_THAT(Read(request), IsFieldError("inputs.query", Words{"\"shared_memory_region\""}));
}

}  // namespace
}  // namespace attentiond
