#include "client/bench/load_generator.h"

#include <algorithm>
#include <utility>

namespace attentiond::client {
namespace {

constexpr absl::Duration kReportInterval = absl::Milliseconds(200);

}  // namespace

int64_t LoadResult::failed() const {
  int64_t total = 0;
  for (const auto& [code, count] : errors) total += count;
  return total;
}

double LoadResult::throughput() const {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  return seconds > 0 ? static_cast<double>(latency.count()) / seconds : 0;
}

LoadGenerator::LoadGenerator(const LoadOptions& options, Clock* clock, StartRequest start,
                             const std::atomic<bool>* stop)
    : options_(options), clock_(clock), start_(std::move(start)), stop_(stop) {}

LoadResult LoadGenerator::Run(const OnProgress& on_progress) {
  on_progress_ = on_progress;
  begin_ = clock_->Now();
  measured_from_ = begin_ + options_.warmup;
  end_ = begin_ + options_.duration;
  next_report_ = begin_ + kReportInterval;
  if (options_.rate) {
    RunOpenLoop();
  } else {
    RunClosedLoop();
  }
  MutexLock lock(&mutex_);
  while (in_flight_ > 0) Wait(absl::InfiniteFuture());
  result_.elapsed = std::max(absl::ZeroDuration(), last_reply_ - measured_from_);
  return result_;
}

void LoadGenerator::RunOpenLoop() {
  PoissonArrivals arrivals(*options_.rate, options_.seed);
  for (int64_t index = 0; index < options_.max_requests; ++index) {
    const absl::Time due = begin_ + arrivals.Next();
    if (due >= end_) return;
    {
      MutexLock lock(&mutex_);
      while (clock_->Now() < due && !Stopped()) Wait(due);
      while (in_flight_ >= options_.max_in_flight && !Stopped()) Wait(absl::InfiniteFuture());
      if (Stopped()) return;
      ++in_flight_;
    }
    Send(index, due);
  }
}

void LoadGenerator::RunClosedLoop() {
  for (int caller = 0; caller < options_.concurrency; ++caller) {
    const absl::Time now = clock_->Now();
    std::optional<int64_t> index;
    {
      MutexLock lock(&mutex_);
      index = ClaimNext(now);
    }
    if (index) Send(*index, now);
  }
}

std::optional<int64_t> LoadGenerator::ClaimNext(absl::Time now) {
  if (now >= end_ || next_index_ >= options_.max_requests || Stopped()) return std::nullopt;
  ++in_flight_;
  return next_index_++;
}

void LoadGenerator::Send(int64_t index, absl::Time due) {
  start_(index, [this, due](const RequestOutcome& outcome) { OnReply(due, outcome); });
}

void LoadGenerator::OnReply(absl::Time due, const RequestOutcome& outcome) {
  const absl::Time now = clock_->Now();
  std::optional<int64_t> next;
  {
    MutexLock lock(&mutex_);
    Record(due, now, outcome);
    if (!options_.rate) next = ClaimNext(now);
    // After the claim: with nothing in flight, Run() may return and this object be gone.
    --in_flight_;
    finished_.Signal();
  }
  if (next) Send(*next, now);
}

void LoadGenerator::Record(absl::Time due, absl::Time now, const RequestOutcome& outcome) {
  if (due < measured_from_) return;
  last_reply_ = std::max(last_reply_, now);
  ++result_.sent;
  if (outcome.code != absl::StatusCode::kOk) {
    ++result_.errors[outcome.code];
    return;
  }
  result_.latency.Record(now - due);
  result_.queue += outcome.queue;
  result_.tokenize += outcome.tokenize;
  result_.compute += outcome.compute;
  result_.tokens += outcome.tokens;
}

void LoadGenerator::Wait(absl::Time deadline) {
  clock_->WaitUntil(&finished_, &mutex_, std::min(deadline, next_report_));
  const absl::Time now = clock_->Now();
  if (now < next_report_) return;
  next_report_ = now + kReportInterval;
  const LoadProgress progress = Progress();
  // Unlocked: a slow terminal must not hold up the replies.
  mutex_.Unlock();
  on_progress_(progress);
  mutex_.Lock();
}

LoadProgress LoadGenerator::Progress() {
  LoadProgress progress;
  const absl::Time now = clock_->Now();
  progress.elapsed = now - begin_;
  progress.in_flight = in_flight_;
  progress.succeeded = result_.latency.count();
  progress.failed = result_.failed();
  const double seconds = absl::ToDoubleSeconds(now - measured_from_);
  progress.throughput = seconds > 0 ? static_cast<double>(progress.succeeded) / seconds : 0;
  progress.p50 = result_.latency.Percentile(50);
  progress.p99 = result_.latency.Percentile(99);
  return progress;
}

}  // namespace attentiond::client
