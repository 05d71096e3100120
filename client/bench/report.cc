#include "client/bench/report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace attentiond::client {
namespace {

struct NamedPercentile {
  const char* name;
  double percent;
};
constexpr NamedPercentile kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}};

absl::Duration Mean(absl::Duration sum, const LoadResult& result) {
  return result.latency.count() > 0 ? sum / result.latency.count() : absl::ZeroDuration();
}

double TokensPerSecond(const LoadResult& result) {
  const double seconds = absl::ToDoubleSeconds(result.elapsed);
  return seconds > 0 ? static_cast<double>(result.tokens) / seconds : 0;
}

}  // namespace

std::string FormatLatency(absl::Duration latency) {
  const double seconds = absl::ToDoubleSeconds(latency);
  const auto three_digits = [](double value) {
    return absl::StrFormat("%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
  };
  if (seconds < 0.9995e-3) return three_digits(seconds * 1e6) + " us";
  if (seconds < 0.9995) return three_digits(seconds * 1e3) + " ms";
  return three_digits(seconds) + " s";
}

std::string ProgressLine(const LoadProgress& progress) {
  return absl::StrFormat("%.1f s  %d ok  %.1f/s  p50 %s  p99 %s  %d in flight  %d failed",
                         absl::ToDoubleSeconds(progress.elapsed), progress.succeeded,
                         progress.throughput, FormatLatency(progress.p50),
                         FormatLatency(progress.p99), progress.in_flight, progress.failed);
}

std::string FormatReport(const LoadResult& result) {
  std::string out = absl::StrFormat(
      "requests    %d in %.2f s: %d ok, %d failed\n"
      "throughput  %.1f requests/s, %.0f tokens/s\n",
      result.sent, absl::ToDoubleSeconds(result.elapsed), result.latency.count(), result.failed(),
      result.throughput(), TokensPerSecond(result));
  if (result.latency.count() > 0) {
    absl::StrAppend(&out, "latency     mean ", FormatLatency(result.latency.mean()));
    for (const auto& [name, percent] : kPercentiles) {
      absl::StrAppend(&out, "  ", name, " ", FormatLatency(result.latency.Percentile(percent)));
    }
    absl::StrAppend(&out, "\nserver      queue ", FormatLatency(Mean(result.queue, result)),
                    "  tokenize ", FormatLatency(Mean(result.tokenize, result)), "  compute ",
                    FormatLatency(Mean(result.compute, result)), "  (means)\n");
  }
  for (const auto& [code, count] : result.errors) {
    absl::StrAppend(&out, "error       ", absl::StatusCodeToString(code), " ", count, "\n");
  }
  return out;
}

nlohmann::json ReportJson(const LoadResult& result) {
  nlohmann::json latency = {{"mean", absl::ToDoubleSeconds(result.latency.mean())},
                            {"min", absl::ToDoubleSeconds(result.latency.min())}};
  for (const auto& [name, percent] : kPercentiles) {
    latency[name] = absl::ToDoubleSeconds(result.latency.Percentile(percent));
  }
  nlohmann::json errors = nlohmann::json::object();
  for (const auto& [code, count] : result.errors) {
    errors[absl::StatusCodeToString(code)] = count;
  }
  return {{"elapsed_seconds", absl::ToDoubleSeconds(result.elapsed)},
          {"requests", result.sent},
          {"succeeded", result.latency.count()},
          {"failed", result.failed()},
          {"errors", errors},
          {"requests_per_second", result.throughput()},
          {"tokens", result.tokens},
          {"tokens_per_second", TokensPerSecond(result)},
          {"latency_seconds", latency},
          {"server_mean_seconds",
           {{"queue", absl::ToDoubleSeconds(Mean(result.queue, result))},
            {"tokenize", absl::ToDoubleSeconds(Mean(result.tokenize, result))},
            {"compute", absl::ToDoubleSeconds(Mean(result.compute, result))}}}};
}

}  // namespace attentiond::client
