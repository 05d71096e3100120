#include "client/bench/load_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace attentiond::client {
namespace {

// Time that passes only while the generator waits, and replies that come in it: a simulation
// without threads.
class SimulatedServer final : public Clock {
 public:
  // `workers` requests are served at a time, each in `service_time`; the rest queue.
  SimulatedServer(int workers, absl::Duration service_time)
      : service_time_(service_time), free_at_(static_cast<size_t>(workers), now_) {}

  absl::Time Now() override { return now_; }

  void WaitUntil(CondVar* /*condition*/, Mutex* mutex, absl::Time deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto next = replies_.begin();
    if (next == replies_.end() || next->first > deadline) {
      now_ = std::max(now_, deadline);
      return;
    }
    now_ = std::max(now_, next->first);
    const LoadGenerator::Done done = std::move(next->second);
    replies_.erase(next);
    mutex->Unlock();
    done(outcome_of_(served_++));
    mutex->Lock();
  }

  void Start(int64_t index, LoadGenerator::Done done) {
    indexes_.push_back(index);
    sent_at_.push_back(now_ - absl::FromUnixSeconds(0));
    const auto worker = std::min_element(free_at_.begin(), free_at_.end());
    *worker = std::max(*worker, now_) + service_time_;
    replies_.emplace(*worker, std::move(done));
    max_in_flight_ = std::max(max_in_flight_, replies_.size());
  }

  absl::Time now_ = absl::FromUnixSeconds(0);
  const absl::Duration service_time_;
  std::vector<absl::Time> free_at_;
  std::multimap<absl::Time, LoadGenerator::Done> replies_;
  std::function<RequestOutcome(int64_t)> outcome_of_ = [](int64_t) { return RequestOutcome(); };
  int64_t served_ = 0;
  size_t max_in_flight_ = 0;
  std::vector<int64_t> indexes_;
  std::vector<absl::Duration> sent_at_;
};

LoadResult RunLoad(
    const LoadOptions& options, SimulatedServer* server, const std::atomic<bool>* stop = nullptr,
    const LoadGenerator::OnProgress& on_progress = [](const LoadProgress&) {}) {
  LoadGenerator generator(
      options, server,
      [server](int64_t index, LoadGenerator::Done done) { server->Start(index, std::move(done)); },
      stop);
  return generator.Run(on_progress);
}

LoadOptions ClosedLoop(int concurrency, absl::Duration duration) {
  LoadOptions options;
  options.concurrency = concurrency;
  options.duration = duration;
  return options;
}

LoadOptions OpenLoop(double rate, absl::Duration duration) {
  LoadOptions options;
  options.rate = rate;
  options.duration = duration;
  return options;
}

TEST(LoadGeneratorTest, ClosedLoopKeepsSoManyInFlight) {
  SimulatedServer server(4, absl::Milliseconds(10));
  const LoadResult result = RunLoad(ClosedLoop(4, absl::Seconds(1)), &server);
  // Four callers, each 100 calls of 10 ms in the second; calls sent before its end are finished.
  EXPECT_EQ(result.sent, 400);
  EXPECT_EQ(server.max_in_flight_, 4u);
  EXPECT_EQ(result.latency.max(), absl::Milliseconds(10));
  EXPECT_EQ(result.elapsed, absl::Seconds(1));
  EXPECT_DOUBLE_EQ(result.throughput(), 400);
  for (size_t i = 0; i < server.indexes_.size(); ++i) {
    EXPECT_EQ(server.indexes_[i], static_cast<int64_t>(i));
  }
}

TEST(LoadGeneratorTest, ClosedLoopStopsAtTheLimit) {
  SimulatedServer server(1, absl::Milliseconds(1));
  LoadOptions options = ClosedLoop(3, absl::Hours(1));
  options.max_requests = 7;
  EXPECT_EQ(RunLoad(options, &server).sent, 7);
  options.max_requests = 2;  // fewer than callers
  EXPECT_EQ(RunLoad(options, &server).sent, 2);
}

TEST(LoadGeneratorTest, OpenLoopSendsWhenRequestsAreDue) {
  SimulatedServer server(1000, absl::Milliseconds(5));
  const LoadResult result = RunLoad(OpenLoop(200, absl::Seconds(10)), &server);
  PoissonArrivals arrivals(200, 1);
  for (const absl::Duration sent_at : server.sent_at_) EXPECT_EQ(sent_at, arrivals.Next());
  EXPECT_GE(arrivals.Next(), absl::Seconds(10)) << "all that were due were sent";
  EXPECT_EQ(result.latency.max(), absl::Milliseconds(5));
}

TEST(LoadGeneratorTest, OpenLoopCountsTheWaitOfLateRequests) {
  // One at a time in 20 ms can serve 50 per second; 100 per second arrive. After 4 s, 200 wait.
  SimulatedServer server(1, absl::Milliseconds(20));
  const LoadResult result = RunLoad(OpenLoop(100, absl::Seconds(4)), &server);
  EXPECT_GT(result.latency.max(), absl::Seconds(3));
  EXPECT_GT(result.latency.Percentile(50), absl::Seconds(1));

  // The same when the client itself holds requests back: they cannot hide by not being sent.
  SimulatedServer again(1, absl::Milliseconds(20));
  LoadOptions options = OpenLoop(100, absl::Seconds(4));
  options.max_in_flight = 1;
  const LoadResult held = RunLoad(options, &again);
  EXPECT_EQ(again.max_in_flight_, 1u);
  EXPECT_EQ(held.latency.max(), result.latency.max());
}

TEST(LoadGeneratorTest, WarmUpIsSentButNotCounted) {
  SimulatedServer server(1, absl::Milliseconds(10));
  LoadOptions options = ClosedLoop(1, absl::Seconds(1));
  options.warmup = absl::Milliseconds(400);
  const LoadResult result = RunLoad(options, &server);
  EXPECT_EQ(server.indexes_.size(), 100u);
  EXPECT_EQ(result.sent, 60);
  EXPECT_EQ(result.elapsed, absl::Milliseconds(600));
}

TEST(LoadGeneratorTest, CountsErrorsByCodeAndSumsTheServersTimes) {
  SimulatedServer server(1, absl::Milliseconds(10));
  server.outcome_of_ = [](int64_t number) {
    RequestOutcome outcome;
    if (number % 4 == 0) outcome.code = absl::StatusCode::kResourceExhausted;
    if (number % 4 == 1) outcome.code = absl::StatusCode::kDeadlineExceeded;
    outcome.compute = absl::Milliseconds(3);
    outcome.tokens = 5;
    return outcome;
  };
  LoadOptions options = ClosedLoop(1, absl::Hours(1));
  options.max_requests = 40;
  const LoadResult result = RunLoad(options, &server);
  EXPECT_EQ(result.sent, 40);
  EXPECT_EQ(result.failed(), 20);
  EXPECT_EQ(result.errors.at(absl::StatusCode::kResourceExhausted), 10);
  EXPECT_EQ(result.errors.at(absl::StatusCode::kDeadlineExceeded), 10);
  EXPECT_EQ(result.latency.count(), 20) << "latencies of successes only";
  EXPECT_EQ(result.compute, absl::Milliseconds(60));
  EXPECT_EQ(result.tokens, 100);
}

TEST(LoadGeneratorTest, StopsWhenToldTo) {
  for (const bool open_loop : {false, true}) {
    SimulatedServer server(2, absl::Milliseconds(10));
    std::atomic<bool> stop{false};
    server.outcome_of_ = [&](int64_t number) {
      if (number == 20) stop = true;
      return RequestOutcome();
    };
    const LoadResult result = RunLoad(
        open_loop ? OpenLoop(100, absl::Hours(1)) : ClosedLoop(2, absl::Hours(1)), &server, &stop);
    EXPECT_GE(result.sent, 21);
    EXPECT_LE(result.sent, 24);
    EXPECT_TRUE(server.replies_.empty()) << "every reply was awaited";
  }
}

TEST(LoadGeneratorTest, ReportsProgress) {
  SimulatedServer server(1, absl::Milliseconds(10));
  std::vector<LoadProgress> reports;
  RunLoad(ClosedLoop(1, absl::Seconds(1)), &server, nullptr,
          [&](const LoadProgress& progress) { reports.push_back(progress); });
  ASSERT_GE(reports.size(), 4u);
  EXPECT_EQ(reports[0].elapsed, absl::Milliseconds(200));
  EXPECT_NEAR(static_cast<double>(reports[0].succeeded), 20, 1);
  EXPECT_EQ(reports[0].p50, absl::Milliseconds(10));
  EXPECT_NEAR(reports[3].throughput, 100, 5);
}

}  // namespace
}  // namespace attentiond::client
