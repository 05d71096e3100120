#include "server/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "core/base/mutex.h"
#include "server/metrics/families.h"
#include "server/metrics/model_metrics.h"
#include "server/metrics/process_stats.h"
#include "server/metrics/request_series.h"
#include "server/metrics/scrape_collector.h"

namespace attentiond {
namespace {

void Append(std::vector<prometheus::MetricFamily> more,
            std::vector<prometheus::MetricFamily>* families) {
  families->insert(families->end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
}

prometheus::Counter& Rejected(MetricFamilies& families, DropReason reason) {
  return families.rejected.Add({{"model", ""}, {"reason", std::string(DropReasonLabel(reason))}});
}

class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics(const BuildInfo& build, Sources sources)
      : sources_(std::move(sources)),
        families_(std::make_shared<MetricFamilies>()),
        unknown_model_(families_, /*model=*/"", /*task=*/""),
        refused_full_(Rejected(*families_, DropReason::kQueueFull)),
        refused_draining_(Rejected(*families_, DropReason::kShutDown)),
        refused_connections_(families_->connections_refused.Add({})),
        in_flight_(families_->in_flight.Add({})) {
    families_->build_info
        .Add({{"version", build.version}, {"onednn", build.onednn}, {"isa", build.isa}})
        .Set(1);
    families_->compute_threads.Add({}).Set(build.compute_threads);
    families_->quota_cores.Add({}).Set(build.quota_cores);
    families_->memory_limit.Add({}).Set(static_cast<double>(build.memory_limit_bytes));
  }

  std::shared_ptr<ModelMetrics> ForModel(const std::string& model,
                                         const std::string& task) override {
    MutexLock lock(&mutex_);
    std::shared_ptr<PrometheusModelMetrics>& metrics = models_[{model, task}];
    if (metrics == nullptr) {
      metrics = std::make_shared<PrometheusModelMetrics>(families_, model, task);
    }
    return metrics;
  }

  void ObserveUnknownModelRequest(absl::string_view method, absl::string_view code,
                                  absl::Duration duration) override {
    unknown_model_.Observe(method, code, duration);
  }

  void ObserveRefusal(DropReason reason) override {
    (reason == DropReason::kShutDown ? refused_draining_ : refused_full_).Increment();
  }

  void ObserveRefusedConnection() override { refused_connections_.Increment(); }

  void AddInFlight(int delta) override { in_flight_.Increment(delta); }

  std::string Serialize() override {
    for (const auto& model : Models()) {
      model->ReadQueueProbe();
      model->ReadGenerationProbe();
    }
    std::vector<prometheus::MetricFamily> families = families_->registry.Collect();
    Append(SourceFamilies(sources_), &families);
    if (const std::optional<ProcessStats> stats = ReadProcessStats()) {
      Append(ProcessFamilies(*stats), &families);
    }
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  std::vector<std::shared_ptr<PrometheusModelMetrics>> Models() {
    MutexLock lock(&mutex_);
    std::vector<std::shared_ptr<PrometheusModelMetrics>> models;
    for (const auto& [key, metrics] : models_) models.push_back(metrics);
    return models;
  }

  const Sources sources_;
  const std::shared_ptr<MetricFamilies> families_;
  RequestSeries unknown_model_;
  prometheus::Counter& refused_full_;
  prometheus::Counter& refused_draining_;
  prometheus::Counter& refused_connections_;
  prometheus::Gauge& in_flight_;

  Mutex mutex_;
  /// By model and task. Never shrinks: a series that has once been exported stays.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<PrometheusModelMetrics>> models_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Metrics> Metrics::Create(const BuildInfo& build, Sources sources) {
  return std::make_unique<PrometheusMetrics>(build, std::move(sources));
}

}  // namespace attentiond
