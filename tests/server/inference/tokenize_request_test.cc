// Inference::Tokenize(): the tokenizer alone.
#include "server/inference/tokenize_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/inference/inference_fixture.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TokenizeAnswer;

class TokenizeRequestTest : public testing::InferenceFixture {
 protected:
  std::shared_ptr<TokenizeAnswer> Tokenize(std::vector<EncodeInput> inputs,
                                           std::shared_ptr<Call> call = nullptr,
                                           const std::string& model = "classifier") {
    auto answer = std::make_shared<TokenizeAnswer>();
    inference_->Tokenize(Model(model), call == nullptr ? NewCall() : call, std::move(inputs),
                         options_for_texts_,
                         [this, answer](absl::Status status, std::vector<Encoding> encodings,
                                        const CallTiming& timing) {
                           answered_by_ = std::this_thread::get_id();
                           answer->Set(std::move(status), std::move(encodings), timing);
                         });
    return answer;
  }

  EncodeOptions options_for_texts_;
  std::thread::id answered_by_;
};

TEST_F(TokenizeRequestTest, AnswersOnATokenizerThreadWithoutComputing) {
  Start();
  const auto [status, encodings, timing] = Tokenize(Texts({"ab", ""}))->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  ASSERT_THAT(encodings, SizeIs(2));
  EXPECT_THAT(encodings[0].ids, ElementsAre(0, 100, 101, 1));
  EXPECT_EQ(timing.input_tokens, 6);
  EXPECT_EQ(timing.batches, 0);
  EXPECT_NE(answered_by_, std::this_thread::get_id());
  EXPECT_THAT(runs(), IsEmpty());
  EXPECT_EQ(MetricsOf("classifier")->Read().tokenizations, 1);
}

TEST_F(TokenizeRequestTest, PassesTheOptionsOn) {
  options_for_texts_.add_special_tokens = false;
  Start();
  EXPECT_THAT(std::get<1>(Tokenize(Texts({"a"}))->Wait())[0].ids, ElementsAre(100));
}

TEST_F(TokenizeRequestTest, NoTextsAreAnsweredAtOnce) {
  Start();
  const auto [status, encodings, timing] = Tokenize({})->Wait();
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(encodings, IsEmpty());
}

TEST_F(TokenizeRequestTest, ErrorsNameTheRow) {
  options_for_texts_.max_length = 4;
  Start();
  const auto [status, encodings, timing] = Tokenize(Texts({"a", "b", "ccc"}))->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("row 2: 5 tokens"));
  EXPECT_THAT(encodings, IsEmpty());
}

TEST_F(TokenizeRequestTest, RefusesTheWrongModels) {
  Start();
  for (const char* model : {"attention", "layer", "untokenized"}) {
    EXPECT_EQ(std::get<0>(Tokenize(Texts({"a"}), nullptr, model)->Wait()).code(),
              absl::StatusCode::kFailedPrecondition)
        << model;
  }
}

TEST_F(TokenizeRequestTest, StopsWhenNobodyWaits) {
  Start();
  const auto call = NewCall();
  call->cancelled = true;
  EXPECT_EQ(std::get<0>(Tokenize(Texts({"a"}), call)->Wait()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(std::get<0>(Tokenize(Texts({"a"}), NewCall(clock_.Now()))->Wait()).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kCancelled), 1);
}

}  // namespace
}  // namespace attentiond
