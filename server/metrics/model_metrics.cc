#include "server/metrics/model_metrics.h"

#include <utility>

namespace attentiond {

absl::string_view DropReasonLabel(DropReason reason) {
  switch (reason) {
    case DropReason::kQueueFull:
      return "queue_full";
    case DropReason::kDeadlineBeforeQueue:
      return "deadline_before_queue";
    case DropReason::kDeadlineInQueue:
      return "deadline_in_queue";
    case DropReason::kCancelled:
      return "cancelled";
    case DropReason::kShutDown:
      return "shut_down";
  }
  return "other";
}

PrometheusModelMetrics::PrometheusModelMetrics(std::shared_ptr<MetricFamilies> families,
                                               const std::string& model, const std::string& task)
    : families_(std::move(families)),
      model_(model),
      requests_(families_, model, task),
      queue_duration_(families_->queue_duration.Add({{"model", model}}, DurationBuckets())),
      tokenize_duration_(families_->tokenize_duration.Add({{"model", model}}, DurationBuckets())),
      compute_duration_(families_->compute_duration.Add({{"model", model}}, DurationBuckets())),
      batch_requests_(families_->batch_requests.Add({{"model", model}}, BatchRequestBuckets())),
      batch_tokens_(families_->batch_tokens.Add({{"model", model}}, BatchTokenBuckets())),
      input_tokens_(families_->tokens.Add({{"model", model}, {"kind", "input"}})),
      cache_hits_(families_->cache_hits.Add({{"model", model}})),
      cache_misses_(families_->cache_misses.Add({{"model", model}})),
      coalesced_rows_(families_->coalesced_rows.Add({{"model", model}})),
      queue_requests_(families_->queue_requests.Add({{"model", model}})),
      queue_oldest_(families_->queue_oldest.Add({{"model", model}})) {
  for (size_t reason = 0; reason < kNumDropReasons; ++reason) {
    const absl::string_view label = DropReasonLabel(static_cast<DropReason>(reason));
    rejected_[reason] =
        &families_->rejected.Add({{"model", model}, {"reason", std::string(label)}});
  }
}

void PrometheusModelMetrics::OnBatch(int64_t tasks, int64_t tokens, absl::Duration compute) {
  batch_requests_.Observe(static_cast<double>(tasks));
  batch_tokens_.Observe(static_cast<double>(tokens));
  compute_duration_.Observe(absl::ToDoubleSeconds(compute));
}

void PrometheusModelMetrics::OnQueued(absl::Duration waited) {
  queue_duration_.Observe(absl::ToDoubleSeconds(waited));
}

void PrometheusModelMetrics::OnDropped(DropReason reason, int64_t tasks) {
  rejected_.at(static_cast<size_t>(reason))->Increment(static_cast<double>(tasks));
}

void PrometheusModelMetrics::ObserveTokenize(absl::Duration duration) {
  tokenize_duration_.Observe(absl::ToDoubleSeconds(duration));
}

void PrometheusModelMetrics::AddTokens(absl::string_view kind, int64_t count) {
  if (kind == "input") {
    input_tokens_.Increment(static_cast<double>(count));
  } else {
    families_->tokens.Add({{"model", model_}, {"kind", std::string(kind)}})
        .Increment(static_cast<double>(count));
  }
}

void PrometheusModelMetrics::OnCacheLookups(int64_t hits, int64_t misses) {
  cache_hits_.Increment(static_cast<double>(hits));
  cache_misses_.Increment(static_cast<double>(misses));
}

void PrometheusModelMetrics::OnCoalesced(int64_t rows) {
  coalesced_rows_.Increment(static_cast<double>(rows));
}

void PrometheusModelMetrics::ObserveRequest(absl::string_view method, absl::string_view code,
                                            absl::Duration duration) {
  requests_.Observe(method, code, duration);
}

void PrometheusModelMetrics::SetReady(const std::string& version, bool ready) {
  families_->model_ready.Add({{"model", model_}, {"version", version}}).Set(ready ? 1 : 0);
}

void PrometheusModelMetrics::SetLoaded(absl::Duration load_duration, int64_t weight_bytes) {
  families_->model_load_duration.Add({{"model", model_}}).Set(absl::ToDoubleSeconds(load_duration));
  families_->model_weight_bytes.Add({{"model", model_}}).Set(static_cast<double>(weight_bytes));
}

void PrometheusModelMetrics::SetQueueProbe(std::function<void(int64_t*, absl::Duration*)> probe) {
  MutexLock lock(&probe_mutex_);
  probe_ = std::move(probe);
}

GenerationSeries& PrometheusModelMetrics::generation() {
  std::call_once(generation_once_,
                 [this] { generation_ = std::make_unique<GenerationSeries>(families_, model_); });
  return *generation_;
}

void PrometheusModelMetrics::ObserveFirstToken(absl::Duration since_arrival) {
  generation().ObserveFirstToken(since_arrival);
}

void PrometheusModelMetrics::ObserveTimePerToken(absl::Duration mean) {
  generation().ObserveTimePerToken(mean);
}

void PrometheusModelMetrics::SetGenerationProbe(std::function<GenerationState()> probe) {
  GenerationSeries& series = generation();
  MutexLock lock(&probe_mutex_);
  generation_probe_ = std::move(probe);
  if (generation_probe_ == nullptr) series.Set({});
}

void PrometheusModelMetrics::ReadGenerationProbe() {
  MutexLock lock(&probe_mutex_);
  if (generation_probe_ != nullptr) generation().Set(generation_probe_());
}

void PrometheusModelMetrics::ReadQueueProbe() {
  int64_t tasks = 0;
  absl::Duration oldest;
  {
    MutexLock lock(&probe_mutex_);
    if (probe_ != nullptr) probe_(&tasks, &oldest);
  }
  queue_requests_.Set(static_cast<double>(tasks));
  queue_oldest_.Set(absl::ToDoubleSeconds(oldest));
}

}  // namespace attentiond
