// Inference::Encode(): rows that are the same as others, in flight or computed before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/inference/inference_fixture.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using testing::EncodeAnswer;
using ::testing::SizeIs;

// The fake classifier's second logit is the sum of the ids / 100.
class SharedRowsTest : public testing::InferenceFixture {
 protected:
  static std::vector<float> Logits(const std::shared_ptr<EncodeAnswer>& answer) {
    const auto [status, rows, timing] = answer->Wait();
    EXPECT_EQ(status, absl::OkStatus());
    std::vector<float> logits;
    for (const EncodedRow& row : rows) logits.push_back(row.result.logits.at(1));
    return logits;
  }
};

TEST_F(SharedRowsTest, TheSameRowsOfABatchAreComputedOnce) {
  Start();
  auto held = HoldExecutor();  // "hold": 6 tokens
  auto first = Encode(Texts({"a", "b"}));
  auto second = Encode(Texts({"b", "c", "b", "a"}));
  gate_.Open();
  EXPECT_THAT(Logits(first), ElementsAre(1.01f, 1.02f));
  EXPECT_THAT(Logits(second), ElementsAre(1.02f, 1.03f, 1.02f, 1.01f));
  EXPECT_THAT(runs(), ElementsAre(1, 3));
  const auto recorded = MetricsOf("classifier")->Read();
  EXPECT_EQ(recorded.coalesced, 3);
  // The counts are of what was asked for.
  EXPECT_THAT(recorded.batch_tasks, ElementsAre(1, 6));
  EXPECT_EQ(recorded.input_tokens, 6 + 6 * 3);
}

TEST_F(SharedRowsTest, ARowQueuedWhileTheSameIsComputedIsNotComputedAgain) {
  Start();
  auto held = HoldExecutor();
  auto same = Encode(Texts({"hold"}));
  auto mixed = Encode(Texts({"hold", "a"}));
  clock_.Advance(absl::Milliseconds(1));
  gate_.Open();
  const std::vector<float> logits = Logits(held);
  EXPECT_EQ(Logits(same), logits);
  EXPECT_THAT(Logits(mixed), ElementsAre(logits[0], 1.01f));
  EXPECT_THAT(runs(), ElementsAre(1, 1));
  EXPECT_THAT(Logits(Encode(Texts({"hold"}))), ElementsAre(logits[0]));
  EXPECT_THAT(runs(), ElementsAre(1, 1, 1));
}

TEST_F(SharedRowsTest, RowsThatAskForSomethingElseAreNotTheSame) {
  Start();
  auto held = HoldExecutor();
  auto logits = Encode(Texts({"a"}));
  encode_options_.embedding = true;
  auto both = Encode(Texts({"a"}));
  gate_.Open();
  EXPECT_THAT(std::get<1>(logits->Wait())[0].result.embedding, SizeIs(0));
  EXPECT_THAT(std::get<1>(both->Wait())[0].result.embedding, SizeIs(4));
  EXPECT_THAT(runs(), ElementsAre(1, 2));
}

TEST_F(SharedRowsTest, ARowDoesNotDependOnTheCallerOfTheSame) {
  Start();
  auto held = HoldExecutor();
  const auto call = NewCall();
  auto cancelled = Encode(Texts({"a"}), call);
  auto late = Encode(Texts({"a"}), NewCall(clock_.Now() + absl::Seconds(1)));
  auto kept = Encode(Texts({"a", "b"}));
  call->cancelled = true;
  clock_.Advance(absl::Seconds(1));
  gate_.Open();
  EXPECT_EQ(std::get<0>(cancelled->Wait()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(std::get<0>(late->Wait()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Logits(kept), ElementsAre(1.01f, 1.02f));
}

TEST_F(SharedRowsTest, AFailedRowFailsTheSame) {
  Start();
  auto held = HoldExecutor();
  auto first = Encode(Texts({"a"}));
  auto second = Encode(Texts({"a"}));
  FailRuns(absl::InternalError("kernel"));
  gate_.Open();
  EXPECT_EQ(std::get<0>(first->Wait()), absl::InternalError("kernel"));
  EXPECT_EQ(std::get<0>(second->Wait()), absl::InternalError("kernel"));
  held->Wait();
  FailRuns(absl::OkStatus());
  EXPECT_THAT(Logits(Encode(Texts({"a"}))), ElementsAre(1.01f));
}

class CachedRowsTest : public SharedRowsTest {
 protected:
  CachedRowsTest() { options_.cache = std::make_shared<ResultCache>(1 << 20); }
};

TEST_F(CachedRowsTest, WhatWasComputedIsNotComputedAgain) {
  Start();
  EXPECT_THAT(Logits(Encode(Texts({"a"}))), ElementsAre(1.01f));
  EXPECT_THAT(Logits(Encode(Texts({"a"}))), ElementsAre(1.01f));
  EXPECT_THAT(Logits(Encode(Texts({"b", "a", "c"}))), ElementsAre(1.02f, 1.01f, 1.03f));
  EXPECT_THAT(runs(), ElementsAre(1, 2));
  const auto recorded = MetricsOf("classifier")->Read();
  EXPECT_EQ(recorded.cache_hits, 2);
  EXPECT_EQ(recorded.cache_misses, 3);
  const ModelStatistics::Snapshot statistics = Model("classifier")->statistics->Read();
  EXPECT_EQ(statistics.cache_hit.count, 2u);
  EXPECT_EQ(statistics.cache_miss.count, 3u);
}

TEST_F(CachedRowsTest, OfWhatIsCachedNothingWaits) {
  Start();
  Logits(Encode(Texts({"a", "b"})));
  auto held = HoldExecutor();
  auto cached = Encode(Texts({"b", "a"}));
  EXPECT_EQ(cached->times(), 1);
  EXPECT_THAT(Logits(cached), ElementsAre(1.02f, 1.01f));
  EXPECT_EQ(std::get<2>(cached->Wait()).batches, 0);
  gate_.Open();
  held->Wait();
}

TEST_F(CachedRowsTest, AModelThatIsLoadedAgainComputesAgain) {
  Start();
  Logits(Encode(Texts({"a"})));
  ASSERT_EQ(repository_->Load("classifier"), absl::OkStatus());
  Logits(Encode(Texts({"a"})));
  EXPECT_THAT(runs(), ElementsAre(1, 1));
}

TEST_F(CachedRowsTest, FailuresAreNotKept) {
  Start();
  FailRuns(absl::InternalError("kernel"));
  EXPECT_EQ(EncodeStatus(Texts({"a"})), absl::InternalError("kernel"));
  FailRuns(absl::OkStatus());
  EXPECT_THAT(Logits(Encode(Texts({"a"}))), ElementsAre(1.01f));
}

}  // namespace
}  // namespace attentiond
