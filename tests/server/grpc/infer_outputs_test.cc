// Which outputs a request gets, and what the response may hold.
#include "server/grpc/infer_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/testing/fake_metrics.h"
#include "tests/testing/field_error_matcher.h"
#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using testing::IsFieldError;
using testing::WantOutputs;
using testing::Words;

const std::vector<TensorSpec>& Specs() {
  static const auto* const specs = new std::vector<TensorSpec>{
      {"label", {kBytes}, {-1}},
      {"score", {DType::kF32}, {-1}},
      {"logits", {DType::kF32}, {-1, 2}, /*optional=*/true},
  };
  return *specs;
}

TEST(RequestedOutputsTest, TheDefaultOnesUnlessAsked) {
  inference::ModelInferRequest request;
  EXPECT_THAT(RequestedOutputs::Read(request, Specs())->names(), ElementsAre("label", "score"));
  WantOutputs(&request, {"logits", "label"});
  const auto outputs = RequestedOutputs::Read(request, Specs());
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(outputs->names(), ElementsAre("logits", "label"));
  EXPECT_TRUE(outputs->Has("logits"));
  EXPECT_FALSE(outputs->Has("score"));
}

TEST(RequestedOutputsTest, Errors) {
  inference::ModelInferRequest unknown;
  WantOutputs(&unknown, {"label", "laurel"});
  EXPECT_THAT(RequestedOutputs::Read(unknown, Specs()),
              IsFieldError("outputs", Words{"\"laurel\"", "label, score, logits"}));
  inference::ModelInferRequest twice;
  WantOutputs(&twice, {"label", "label"});
  EXPECT_THAT(RequestedOutputs::Read(twice, Specs()),
              IsFieldError("outputs.label", Words{"twice"}));
  inference::ModelInferRequest parameter;
  WantOutputs(&parameter, {"label"});
  (*parameter.mutable_outputs(0)->mutable_parameters())["classification"].set_int64_param(3);
  EXPECT_THAT(RequestedOutputs::Read(parameter, Specs()),
              IsFieldError("outputs.label", Words{"\"classification\""}));
}

class ResponseWriterTest : public ::testing::Test {
 protected:
  testing::FakeMetrics metrics_;
  AdmissionGate gate_{{.max_requests = 1, .max_bytes = 100}, Clock::Real(), &metrics_};
  AdmissionGate::Ticket ticket_ = *gate_.Admit(0);
  inference::ModelInferResponse response_;
  ResponseWriter writer_{&response_, &ticket_, /*max_bytes=*/64};
};

TEST_F(ResponseWriterTest, AddsZeroedOutputsThatStay) {
  ASSERT_TRUE(writer_.Reserve("score", DType::kF32, {2}).ok());
  ASSERT_TRUE(writer_.Reserve("logits", DType::kF32, {2, 2}).ok());
  const MutableTensorView score = writer_.Add("score", DType::kF32, {2});
  EXPECT_EQ(score.values<float>()[1], 0);
  writer_.AddBytes("label", {"good", ""});
  writer_.Add("logits", DType::kF32, {2, 2});
  score.values<float>()[1] = 7;
  EXPECT_THAT(testing::OutputNames(response_), ElementsAre("score", "label", "logits"));
  EXPECT_THAT(testing::OutputValues<float>(response_, "score"), ElementsAre(0, 7));
  EXPECT_THAT(testing::OutputText(response_, "label"), ElementsAre("good", ""));
  EXPECT_THAT(testing::OutputShape(response_, "logits"), ElementsAre(2, 2));
  EXPECT_EQ(response_.raw_output_contents_size(), response_.outputs_size());
}

TEST_F(ResponseWriterTest, AnEmptyOutputHasAnEmptyEntry) {
  ASSERT_TRUE(writer_.Reserve("score", DType::kF32, {0}).ok());
  writer_.Add("score", DType::kF32, {0});
  ASSERT_EQ(response_.raw_output_contents_size(), 1);
  EXPECT_EQ(response_.raw_output_contents(0), "");
}

TEST_F(ResponseWriterTest, TheLimitIsOfAllTogether) {
  ASSERT_TRUE(writer_.Reserve("score", DType::kF32, {8}).ok());
  EXPECT_THAT(writer_.Reserve("logits", DType::kF32, {9}),
              IsFieldError("outputs.logits", Words{"36", "FP32 [9]", "64"}));
  EXPECT_TRUE(writer_.Reserve("logits", DType::kF32, {8}).ok());
  EXPECT_FALSE(writer_.Reserve("more", DType::kF32, {1}).ok());
}

TEST_F(ResponseWriterTest, HugeShapesDoNotOverflow) {
  EXPECT_THAT(writer_.Reserve("logits", DType::kF32, {int64_t{1} << 40, int64_t{1} << 40}),
              IsFieldError("outputs.logits", Words{}));
  EXPECT_THAT(writer_.Reserve("logits", DType::kI64, {int64_t{1} << 59}),
              IsFieldError("outputs.logits", Words{"64"}));
}

TEST_F(ResponseWriterTest, TheServersMemoryIsALimitToo) {
  ASSERT_TRUE(ticket_.Reserve(60).ok());
  EXPECT_EQ(writer_.Reserve("logits", DType::kF32, {16}).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace attentiond
