// server/metrics/generation_series.h -- the series of one model that writes text.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/metrics/families.h"
#include "server/metrics/metrics.h"

namespace attentiond {

/// Threads: every method may be called concurrently.
class GenerationSeries {
 public:
  GenerationSeries(std::shared_ptr<MetricFamilies> families, const std::string& model);

  void ObserveFirstToken(absl::Duration since_arrival) {
    first_token_.Observe(absl::ToDoubleSeconds(since_arrival));
  }
  void ObserveTimePerToken(absl::Duration mean) { per_token_.Observe(absl::ToDoubleSeconds(mean)); }
  void Set(const GenerationState& state);

 private:
  const std::shared_ptr<MetricFamilies> families_;
  prometheus::Histogram& first_token_;
  prometheus::Histogram& per_token_;
  prometheus::Gauge& running_;
  prometheus::Gauge& waiting_;
  prometheus::Gauge& pages_used_;
  prometheus::Gauge& pages_reserved_;
  prometheus::Gauge& pages_total_;
};

}  // namespace attentiond
