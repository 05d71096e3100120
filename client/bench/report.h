// client/bench/report.h -- a run's counts for people and for scripts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/bench/load_generator.h"

namespace attentiond::client {

/// "13.4 s  5120 ok  402.1/s  p50 1.21 ms  p99 4.80 ms  16 in flight  0 failed".
std::string ProgressLine(const LoadProgress& progress);

/// Several lines: throughput, percentiles, where the server spent its time, errors by code.
std::string FormatReport(const LoadResult& result);

/// The same as an object; durations in seconds, sums also as means per successful request.
nlohmann::json ReportJson(const LoadResult& result);

/// "850 us", "1.21 ms", "2.50 s": three significant digits.
std::string FormatLatency(absl::Duration latency);

}  // namespace attentiond::client
