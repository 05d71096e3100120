// client/bench/load_generator.h -- sends requests on a schedule and measures what comes back.
//
// Open loop: requests arrive by a Poisson process whether or not earlier ones are answered, and a
// latency runs from the moment a request was due, not from when it could be sent. A slow server
// therefore cannot make the load look lighter than it is ("coordinated omission"). Closed loop: a
// fixed number of callers, each of which sends its next request when the last one is answered.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/bench/arrivals.h"
#include "client/bench/latency_histogram.h"
#include "core/base/clock.h"

namespace attentiond::client {

struct LoadOptions {
  std::optional<double> rate;     ///< open loop: requests per second, > 0; nullopt: closed loop
  int concurrency = 1;            ///< closed loop: callers, >= 1
  int64_t max_in_flight = 10000;  ///< open loop: more than that wait here, and their time counts
  absl::Duration duration = absl::Seconds(10);  ///< of sending, warm-up included
  absl::Duration warmup;  ///< requests due before it ends are sent, but not counted
  int64_t max_requests = INT64_MAX;
  uint64_t seed = 1;  ///< of the arrivals
};

/// What one request came to.
struct RequestOutcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::Duration queue, tokenize, compute;  ///< what the server says of its time
  int64_t tokens = 0;
};

/// Counts of one run. Latencies and sums are those of the successful requests.
struct LoadResult {
  absl::Duration elapsed;  ///< from the end of the warm-up to the last reply
  int64_t sent = 0;        ///< counted requests; all of them have an outcome
  LatencyHistogram latency;
  std::map<absl::StatusCode, int64_t> errors;
  absl::Duration queue, tokenize, compute;  ///< summed
  int64_t tokens = 0;

  int64_t failed() const;
  /// Successful requests per second; 0 when nothing was measured.
  double throughput() const;
};

/// What a run has come to so far.
struct LoadProgress {
  absl::Duration elapsed;  ///< since the start, warm-up included
  int64_t in_flight = 0;
  int64_t succeeded = 0, failed = 0;
  double throughput = 0;  ///< successful requests per second so far
  absl::Duration p50, p99;
};

/// One run. Threads: Run() once, by one thread; outcomes may come from any threads.
class LoadGenerator {
 public:
  using Done = std::function<void(const RequestOutcome& outcome)>;
  /// Starts request number `index` (from 0) without blocking; calls `done` exactly once, from any
  /// thread, after it has returned.
  using StartRequest = std::function<void(int64_t index, Done done)>;
  using OnProgress = std::function<void(const LoadProgress& progress)>;

  /// `clock` and, if given, `stop` must outlive the generator. When *stop becomes true nothing new
  /// is sent.
  LoadGenerator(const LoadOptions& options, Clock* clock, StartRequest start,
                const std::atomic<bool>* stop = nullptr);

  /// Sends, waits for every outcome, returns the counts. `on_progress` is called a few times a
  /// second by this thread.
  LoadResult Run(const OnProgress& on_progress);

 private:
  void RunOpenLoop();
  void RunClosedLoop();
  // Claims the next request of a closed-loop caller; nullopt: the run is over.
  std::optional<int64_t> ClaimNext(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(int64_t index, absl::Time due);
  void OnReply(absl::Time due, const RequestOutcome& outcome);
  void Record(absl::Time due, absl::Time now, const RequestOutcome& outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }
  // Waits until `deadline` or a reply, or may wake spuriously; reports when it is time to.
  void Wait(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LoadProgress Progress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LoadOptions options_;
  Clock* const clock_;
  const StartRequest start_;
  const std::atomic<bool>* const stop_;
  OnProgress on_progress_;  // constant once Run() sends, as the next line
  absl::Time begin_, measured_from_, end_;
  absl::Time next_report_;  // of the thread in Run()

  Mutex mutex_;
  CondVar finished_;
  int64_t next_index_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time last_reply_ ABSL_GUARDED_BY(mutex_);
  LoadResult result_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond::client
