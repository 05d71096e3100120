// tests/testing/fake_metrics.h -- metrics that only remember.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "server/metrics/metrics.h"

namespace attentiond::testing {

/// Threads: any.
class FakeModelMetrics final : public ModelMetrics {
 public:
  using QueueProbe = std::function<void(int64_t* tasks, absl::Duration* oldest)>;

  struct Recorded {
    std::vector<int64_t> batch_tasks, batch_tokens;  ///< one per batch
    int64_t queued = 0;                              ///< tasks that a batch took
    std::map<DropReason, int64_t> dropped;
    int64_t tokenizations = 0;
    int64_t input_tokens = 0, output_tokens = 0;
    int64_t first_tokens = 0;
    int64_t cache_hits = 0, cache_misses = 0, coalesced = 0;
    std::map<std::string, bool> ready;  ///< by version
    int64_t weight_bytes = 0;
  };

  void OnBatch(int64_t tasks, int64_t tokens, absl::Duration /*compute*/) override {
    MutexLock lock(&mutex_);
    recorded_.batch_tasks.push_back(tasks);
    recorded_.batch_tokens.push_back(tokens);
  }
  void OnQueued(absl::Duration /*waited*/) override {
    MutexLock lock(&mutex_);
    ++recorded_.queued;
  }
  void OnDropped(DropReason reason, int64_t tasks) override {
    MutexLock lock(&mutex_);
    recorded_.dropped[reason] += tasks;
  }
  void ObserveTokenize(absl::Duration /*duration*/) override {
    MutexLock lock(&mutex_);
    ++recorded_.tokenizations;
  }
  void AddTokens(absl::string_view kind, int64_t count) override {
    MutexLock lock(&mutex_);
    (kind == "input" ? recorded_.input_tokens : recorded_.output_tokens) += count;
  }
  void OnCacheLookups(int64_t hits, int64_t misses) override {
    MutexLock lock(&mutex_);
    recorded_.cache_hits += hits;
    recorded_.cache_misses += misses;
  }
  void OnCoalesced(int64_t rows) override {
    MutexLock lock(&mutex_);
    recorded_.coalesced += rows;
  }
  void ObserveRequest(absl::string_view /*method*/, absl::string_view /*code*/,
                      absl::Duration /*duration*/) override {}
  void SetReady(const std::string& version, bool ready) override {
    MutexLock lock(&mutex_);
    recorded_.ready[version] = ready;
  }
  void SetLoaded(absl::Duration /*load_duration*/, int64_t weight_bytes) override {
    MutexLock lock(&mutex_);
    recorded_.weight_bytes = weight_bytes;
  }
  void SetQueueProbe(QueueProbe probe) override {
    MutexLock lock(&mutex_);
    probe_ = std::move(probe);
  }

  void ObserveFirstToken(absl::Duration /*since_arrival*/) override {
    MutexLock lock(&mutex_);
    ++recorded_.first_tokens;
  }
  void ObserveTimePerToken(absl::Duration /*mean*/) override {}
  void SetGenerationProbe(std::function<GenerationState()> probe) override {
    MutexLock lock(&mutex_);
    generation_probe_ = std::move(probe);
  }

  Recorded Read() {
    MutexLock lock(&mutex_);
    return recorded_;
  }
  QueueProbe probe() {
    MutexLock lock(&mutex_);
    return probe_;
  }
  std::function<GenerationState()> generation_probe() {
    MutexLock lock(&mutex_);
    return generation_probe_;
  }

 private:
  Mutex mutex_;
  Recorded recorded_ ABSL_GUARDED_BY(mutex_);
  QueueProbe probe_ ABSL_GUARDED_BY(mutex_);
  std::function<GenerationState()> generation_probe_ ABSL_GUARDED_BY(mutex_);
};

/// Threads: any.
class FakeMetrics final : public Metrics {
 public:
  std::shared_ptr<ModelMetrics> ForModel(const std::string& model,
                                         const std::string& task) override {
    return Of(model, task);
  }
  void ObserveUnknownModelRequest(absl::string_view /*method*/, absl::string_view /*code*/,
                                  absl::Duration /*duration*/) override {}
  void ObserveRefusal(DropReason reason) override {
    MutexLock lock(&mutex_);
    ++refused_[reason];
  }
  void ObserveRefusedConnection() override {}
  void AddInFlight(int /*delta*/) override {}
  std::string Serialize() override { return ""; }

  /// What ForModel() gives, made when it is not there yet.
  std::shared_ptr<FakeModelMetrics> Of(const std::string& model, const std::string& task) {
    MutexLock lock(&mutex_);
    std::shared_ptr<FakeModelMetrics>& metrics = models_[{model, task}];
    if (metrics == nullptr) metrics = std::make_shared<FakeModelMetrics>();
    return metrics;
  }
  /// Requests that the server as a whole refused.
  std::map<DropReason, int64_t> refused() {
    MutexLock lock(&mutex_);
    return refused_;
  }

 private:
  Mutex mutex_;
  std::map<DropReason, int64_t> refused_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, std::shared_ptr<FakeModelMetrics>> models_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond::testing
