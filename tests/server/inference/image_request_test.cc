// Inference::ClassifyImages(): pictures through decoder, queue and model.
#include "server/inference/image_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/inference/inference_fixture.h"
#include "tests/testing/png_file.h"

namespace attentiond {
namespace {

using testing::Answer;
using ::testing::ElementsAre;
using testing::GreyPng;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ImageAnswer = Answer<absl::Status, std::vector<std::vector<float>>, CallTiming>;

// The fake classifier's logits are {0, sum of the pixel values / 1000}; it reads 2 x 2 pixels.
class ImageRequestTest : public testing::InferenceFixture {
 protected:
  std::shared_ptr<ImageAnswer> Classify(std::vector<ImageInput> inputs,
                                        std::shared_ptr<Call> call = nullptr,
                                        const std::string& model = "pictures") {
    auto answer = std::make_shared<ImageAnswer>();
    inference_->ClassifyImages(Model(model), call == nullptr ? NewCall() : call, std::move(inputs),
                               [answer](absl::Status status, std::vector<std::vector<float>> logits,
                                        const CallTiming& timing) {
                                 answer->Set(std::move(status), std::move(logits), timing);
                               });
    return answer;
  }
  static std::vector<ImageInput> Files(const std::vector<absl::string_view>& files) {
    std::vector<ImageInput> inputs;
    for (const absl::string_view file : files) inputs.push_back({.file = file, .pixels = {}});
    return inputs;
  }

  const std::string grey_ = GreyPng(4, 4, 100), black_ = GreyPng(2, 2, 0);
};

TEST_F(ImageRequestTest, DecodesRunsAndAnswersInOrder) {
  Start();
  const std::vector<float> pixels(12, 50);
  std::vector<ImageInput> inputs = Files({grey_, black_});
  inputs.push_back({.file = {}, .pixels = pixels});
  const auto [status, logits, timing] = Classify(inputs)->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_THAT(logits, ElementsAre(ElementsAre(0, 1.2f), ElementsAre(0, 0), ElementsAre(0, 0.6f)));
  EXPECT_THAT(runs(), ElementsAre(3));
  EXPECT_EQ(timing.input_tokens, 15);
  EXPECT_EQ(timing.batches, 1);
}

TEST_F(ImageRequestTest, NoPicturesAreAnsweredAtOnce) {
  Start();
  const auto answer = Classify({});
  EXPECT_EQ(answer->times(), 1);
  EXPECT_EQ(std::get<0>(answer->Wait()), absl::OkStatus());
}

TEST_F(ImageRequestTest, OtherModelsAreTheWrongTask) {
  Start();
  for (const char* model : {"attention", "layer", "classifier"}) {
    const absl::Status status = std::get<0>(Classify(Files({grey_}), nullptr, model)->Wait());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr(model));
  }
}

TEST_F(ImageRequestTest, AFileThatIsNoneIsNamedAndNothingRuns) {
  Start();
  const auto [status, logits, timing] = Classify(Files({grey_, "GIF89a", black_}))->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("row 1: a GIF file was found"));
  EXPECT_THAT(logits, IsEmpty());
  EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(ImageRequestTest, LimitsAreTheOptions) {
  inference_options_.images.max_pixels = 10;
  inference_options_.max_rows_per_request = 2;
  Start();
  EXPECT_THAT(std::string(std::get<0>(Classify(Files({grey_}))->Wait()).message()),
              HasSubstr("4 x 4 pixels, at most 10 in all are allowed"));
  EXPECT_THAT(std::string(std::get<0>(Classify(Files({black_, black_, black_}))->Wait()).message()),
              HasSubstr("3 rows, at most 2"));
}

TEST_F(ImageRequestTest, PicturesOfSeveralRequestsShareABatch) {
  Start();
  const auto held = HoldExecutor();
  const std::vector<float> pixels(12, 50);
  const std::vector<ImageInput> inputs(2, {.file = {}, .pixels = pixels});
  const auto one = Classify(inputs), other = Classify(inputs);
  gate_.Open();
  EXPECT_THAT(std::get<1>(one->Wait()), SizeIs(2));
  EXPECT_THAT(std::get<1>(other->Wait()), SizeIs(2));
  EXPECT_THAT(runs(), ElementsAre(1, 4));
  EXPECT_EQ(std::get<0>(held->Wait()), absl::OkStatus());
}

// Each in a batch of its own: the second may be read when the transport has its answer already.
TEST_F(ImageRequestTest, AnErrorEndsTheRequestOnce) {
  options_.batching.max_batch_requests = 1;
  Start();
  FailRuns(absl::InternalError("broken"));
  auto pixels = std::make_unique<std::vector<float>>(12, 50.0f);
  const auto answer = Classify({{.file = {}, .pixels = *pixels}, {.file = {}, .pixels = *pixels}});
  EXPECT_EQ(std::get<0>(answer->Wait()), absl::InternalError("broken"));
  pixels.reset();
  FailRuns(absl::OkStatus());
  EXPECT_EQ(std::get<0>(Classify(Files({grey_}))->Wait()), absl::OkStatus());
  EXPECT_EQ(answer->times(), 1);
}

TEST_F(ImageRequestTest, WhatNobodyWaitsForIsNotDecoded) {
  Start();
  const auto cancelled = NewCall();
  cancelled->cancelled = true;
  EXPECT_EQ(std::get<0>(Classify(Files({"no picture"}), cancelled)->Wait()).code(),
            absl::StatusCode::kCancelled);
  const auto late = NewCall(clock_.Now() - absl::Seconds(1));
  EXPECT_EQ(std::get<0>(Classify(Files({"no picture"}), late)->Wait()).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(runs(), IsEmpty());
}

}  // namespace
}  // namespace attentiond
