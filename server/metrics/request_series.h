// server/metrics/request_series.h -- the request counters and durations of one model, by method and
// code, resolved on first use and then read without a lock.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/metrics/families.h"

namespace attentiond {

/// Threads: Observe may be called concurrently.
class RequestSeries {
 public:
  RequestSeries(std::shared_ptr<MetricFamilies> families, std::string model, std::string task);

  /// One answered RPC. A method that the server does not have counts as "other", a code that gRPC
  /// does not have as "UNKNOWN": clients cannot make labels.
  void Observe(absl::string_view method, absl::string_view code, absl::Duration duration);

 private:
  static constexpr size_t kNumMethods = 23;
  static constexpr size_t kNumCodes = 17;

  /// Both are set together; the counter last, so that whoever sees it sees the histogram too.
  struct Series {
    std::atomic<prometheus::Histogram*> duration{nullptr};
    std::atomic<prometheus::Counter*> count{nullptr};
  };

  static const std::array<absl::string_view, kNumMethods>& Methods();
  static const std::array<absl::string_view, kNumCodes>& Codes();
  void Resolve(size_t method, size_t code, Series* series);

  const std::shared_ptr<MetricFamilies> families_;
  const std::string model_, task_;
  std::array<std::array<Series, kNumCodes>, kNumMethods> series_;
};

}  // namespace attentiond
