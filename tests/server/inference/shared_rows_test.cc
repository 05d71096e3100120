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

TEST_F(SharedRowsTest, TheSameRowsInFlightAreComputedOnce) {
  Start();
  auto held = HoldExecutor();
  auto first = Encode(Texts({"a", "b"}));
  auto second = Encode(Texts({"b", "c", "b", "a"}));
  gate_.Open();
  EXPECT_THAT(Logits(first), ElementsAre(1.01f, 1.02f));
  EXPECT_THAT(Logits(second), ElementsAre(1.02f, 1.03f, 1.02f, 1.01f));
  EXPECT_THAT(runs(), ElementsAre(1, 3));
  const auto recorded = MetricsOf("classifier")->Read();
  EXPECT_EQ(recorded.coalesced, 3);
  EXPECT_EQ(recorded.input_tokens, 6 + 3 * 3);
  EXPECT_EQ(std::get<2>(second->Wait()).batches, 1);
  EXPECT_EQ(std::get<2>(second->Wait()).input_tokens, 4 * 3);
}

TEST_F(SharedRowsTest, ARowJoinsOneThatIsBeingComputed) {
  Start();
  auto held = HoldExecutor();
  auto joined = Encode(Texts({"hold"}));
  gate_.Open();
  EXPECT_EQ(Logits(joined), Logits(held));
  EXPECT_THAT(runs(), ElementsAre(1));
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

TEST_F(SharedRowsTest, WhoeverWaitsForACancelledRowIsAnswered) {
  Start();
  auto held = HoldExecutor();
  const auto call = NewCall();
  auto cancelled = Encode(Texts({"a"}), call);
  auto first = Encode(Texts({"a"}));
  auto second = Encode(Texts({"a", "b"}));
  call->cancelled = true;
  gate_.Open();
  EXPECT_EQ(std::get<0>(cancelled->Wait()).code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Logits(first), ElementsAre(1.01f));
  EXPECT_THAT(Logits(second), ElementsAre(1.01f, 1.02f));
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  int64_t computed = 0;
  for (const int64_t rows : runs()) computed += rows;
  EXPECT_EQ(computed, 3);  // "hold", "a", "b"
}

TEST_F(SharedRowsTest, WhoeverWaitsForARowWhoseDeadlinePassesIsAnswered) {
  Start();
  auto held = HoldExecutor();
  auto late = Encode(Texts({"a"}), NewCall(clock_.Now() + absl::Seconds(1)));
  auto patient = Encode(Texts({"a"}));
  clock_.Advance(absl::Seconds(1));
  gate_.Open();
  EXPECT_EQ(std::get<0>(late->Wait()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Logits(patient), ElementsAre(1.01f));
}

TEST_F(SharedRowsTest, AFailedRowFailsThoseThatWaitForIt) {
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

TEST_F(SharedRowsTest, ARefusedRowIsJoinedByNobody) {
  options_.batching.max_queue_requests = 1;
  Start();
  auto held = HoldExecutor();
  auto waiting = Encode(Texts({"a"}));
  EXPECT_EQ(EncodeStatus(Texts({"b"})).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(EncodeStatus(Texts({"b"})).code(), absl::StatusCode::kResourceExhausted);
  auto joined = Encode(Texts({"a"}));  // takes no place in the queue
  gate_.Open();
  EXPECT_EQ(Logits(joined), Logits(waiting));
  EXPECT_THAT(Logits(Encode(Texts({"b"}))), ElementsAre(1.02f));
}

TEST_F(SharedRowsTest, AClosedQueueLeavesNobodyWaiting) {
  Start();
  auto held = HoldExecutor();
  const auto model = Model("classifier");
  const auto call = NewCall();
  auto first = Encode(Texts({"a"}), call);
  auto second = Encode(Texts({"a"}));
  call->cancelled = true;
  model->queue->Close();
  gate_.Open();
  EXPECT_EQ(std::get<0>(first->Wait()).code(), absl::StatusCode::kCancelled);
  // It would have had to be queued again.
  EXPECT_EQ(std::get<0>(second->Wait()).code(), absl::StatusCode::kUnavailable);
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
