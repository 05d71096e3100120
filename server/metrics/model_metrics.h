// server/metrics/model_metrics.h -- ModelMetrics over Prometheus series that are resolved once.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/mutex.h"
#include "server/metrics/families.h"
#include "server/metrics/generation_series.h"
#include "server/metrics/metrics.h"
#include "server/metrics/request_series.h"

namespace attentiond {

class PrometheusModelMetrics final : public ModelMetrics {
 public:
  PrometheusModelMetrics(std::shared_ptr<MetricFamilies> families, const std::string& model,
                         const std::string& task);

  void OnBatch(int64_t tasks, int64_t tokens, absl::Duration compute) override;
  void OnQueued(absl::Duration waited) override;
  void OnDropped(DropReason reason, int64_t tasks) override;
  void ObserveTokenize(absl::Duration duration) override;
  void AddTokens(absl::string_view kind, int64_t count) override;
  void OnCacheLookups(int64_t hits, int64_t misses) override;
  void OnCoalesced(int64_t rows) override;
  void ObserveRequest(absl::string_view method, absl::string_view code,
                      absl::Duration duration) override;
  void SetReady(const std::string& version, bool ready) override;
  void SetLoaded(absl::Duration load_duration, int64_t weight_bytes) override;
  void SetQueueProbe(std::function<void(int64_t*, absl::Duration*)> probe) override;
  void ObserveFirstToken(absl::Duration since_arrival) override;
  void ObserveTimePerToken(absl::Duration mean) override;
  void SetGenerationProbe(std::function<GenerationState()> probe) override;

  /// Bring the gauges up to date; called at every scrape.
  void ReadQueueProbe();
  void ReadGenerationProbe();

 private:
  static constexpr size_t kNumDropReasons = 5;

  GenerationSeries& generation();

  const std::shared_ptr<MetricFamilies> families_;
  const std::string model_;
  RequestSeries requests_;
  prometheus::Histogram& queue_duration_;
  prometheus::Histogram& tokenize_duration_;
  prometheus::Histogram& compute_duration_;
  prometheus::Histogram& batch_requests_;
  prometheus::Histogram& batch_tokens_;
  prometheus::Counter& input_tokens_;
  prometheus::Counter& cache_hits_;
  prometheus::Counter& cache_misses_;
  prometheus::Counter& coalesced_rows_;
  prometheus::Gauge& queue_requests_;
  prometheus::Gauge& queue_oldest_;
  std::array<prometheus::Counter*, kNumDropReasons> rejected_;

  Mutex
      probe_mutex_;  ///< held while the probe runs: after SetQueueProbe no call of the old one does
  std::function<void(int64_t*, absl::Duration*)> probe_ ABSL_GUARDED_BY(probe_mutex_);
  std::function<GenerationState()> generation_probe_ ABSL_GUARDED_BY(probe_mutex_);

  // Those of a model that writes text exist once it has told something.
  std::once_flag generation_once_;
  std::unique_ptr<GenerationSeries> generation_;
};

/// The closed set of values of attentiond_rejected_total's label `reason`.
absl::string_view DropReasonLabel(DropReason reason);

}  // namespace attentiond
