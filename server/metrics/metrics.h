// server/metrics/metrics.h -- the server's Prometheus metrics; names and labels in docs/METRICS.md.
//
// The only folder that includes Prometheus. Handles are resolved once; recording is a few atomic
// operations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/engine/model.h"
#include "server/batching/batch_scheduler.h"

namespace attentiond {

/// What a model that writes text is doing.
struct GenerationState {
  int64_t running = 0, waiting = 0;  ///< sequences
  int64_t used_pages = 0, reserved_pages = 0, total_pages = 0;
};

/// Series of one model. Threads: any.
class ModelMetrics : public BatchObserver {
 public:
  void OnBatch(int64_t tasks, int64_t tokens, absl::Duration compute) override = 0;
  void OnQueued(absl::Duration waited) override = 0;
  void OnDropped(DropReason reason, int64_t tasks) override = 0;

  virtual void ObserveTokenize(absl::Duration duration) = 0;
  virtual void AddTokens(absl::string_view kind, int64_t count) = 0;  ///< "input", "output"
  /// A text has its first token, so long after its request came.
  virtual void ObserveFirstToken(absl::Duration since_arrival) = 0;
  /// A text is finished: the mean time from one of its tokens to the next.
  virtual void ObserveTimePerToken(absl::Duration mean) = 0;
  /// Rows of one request that were looked up in the result cache.
  virtual void OnCacheLookups(int64_t hits, int64_t misses) = 0;
  /// Rows of a batch that were not computed, because others in flight are the same.
  virtual void OnCoalesced(int64_t rows) = 0;
  /// One answered RPC: attentiond_requests_total and attentiond_request_duration_seconds. `method`
  /// as in Call, `code` a gRPC code's name ("OK", "INVALID_ARGUMENT").
  virtual void ObserveRequest(absl::string_view method, absl::string_view code,
                              absl::Duration duration) = 0;
  virtual void SetReady(const std::string& version, bool ready) = 0;
  virtual void SetLoaded(absl::Duration load_duration, int64_t weight_bytes) = 0;
  /// Read at every scrape; nullptr detaches.
  virtual void SetQueueProbe(std::function<void(int64_t* tasks, absl::Duration* oldest)> probe) = 0;
  /// The same for models that write text.
  virtual void SetGenerationProbe(std::function<GenerationState()> probe) = 0;
};

/// Threads: any.
class Metrics {
 public:
  struct BuildInfo {
    std::string version, onednn, isa;
    int compute_threads = 1;
    double quota_cores = 0;
    int64_t memory_limit_bytes = 0;  ///< of the control group; 0: none
  };
  /// Read at every scrape, from any thread; where a function is empty, its metric is not exported.
  struct Sources {
    std::function<std::vector<KernelCount>()> kernel_counts;
    std::function<int64_t()> throttled_periods;
    std::function<int64_t()> cache_bytes;
  };
  static std::unique_ptr<Metrics> Create(const BuildInfo& build, Sources sources = {});
  virtual ~Metrics() = default;

  /// The same object for the same name and task. `task` is the label's value: "attention",
  /// "attention_layer", "sequence_classification", "embedding", "translation".
  virtual std::shared_ptr<ModelMetrics> ForModel(const std::string& model,
                                                 const std::string& task) = 0;
  /// A request for a model that is not known: counted with model="" task="", so that labels stay a
  /// closed set.
  virtual void ObserveUnknownModelRequest(absl::string_view method, absl::string_view code,
                                          absl::Duration duration) = 0;
  /// A request that the server as a whole refuses: kShutDown while it drains, kQueueFull when too
  /// many requests or bytes are in flight. Counted with model="".
  virtual void ObserveRefusal(DropReason reason) = 0;
  virtual void AddInFlight(int delta) = 0;
  /// A connection that was closed at once, because there are too many.
  virtual void ObserveRefusedConnection() = 0;
  /// The text exposition format 0.0.4, with process_*, the queues and the sources read now.
  virtual std::string Serialize() = 0;
};

}  // namespace attentiond
