// server/repository/model_repository.h -- which models there are, which are loaded, and loading
// them while others serve.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "server/batching/batch_scheduler.h"
#include "server/metrics/metrics.h"
#include "server/repository/model_statistics.h"

namespace attentiond {

/// A model that is ready. Holders keep it alive after an unload: accepted work is finished.
struct LoadedModel {
  std::string name;
  std::string version;                 ///< decimal, "1"
  std::shared_ptr<const Model> model;  ///< nullptr for the built-in "attention"
  std::shared_ptr<BatchQueue> queue;
  std::shared_ptr<ModelMetrics> metrics;
  std::shared_ptr<ModelStatistics> statistics;  ///< KServe's counters

  bool is_builtin_attention() const { return model == nullptr; }
};

/// A line of RepositoryIndex.
struct ModelIndexEntry {
  std::string name, version;
  std::string state;   ///< "READY", "UNAVAILABLE", "LOADING", "UNLOADING"
  std::string reason;  ///< why it is not ready; empty otherwise
};

/// Threads: every method may be called concurrently. Load() blocks its caller for as long as
/// loading takes and must not be called on a reactor thread.
class ModelRepository {
 public:
  struct Options {
    std::map<std::string, std::string> models;  ///< --model NAME=DIR
    std::string repository_directory;           ///< --model-repository; empty: none
    LoadOptions load;
    BatchQueueOptions batching;
  };
  /// Called on every change of readiness, in order, without locks held: (name, ready).
  using ReadinessListener = std::function<void(const std::string& name, bool ready)>;

  ModelRepository(const Options& options, BatchScheduler* scheduler, Metrics* metrics,
                  ThreadPool* compute_threads, Clock* clock);
  ~ModelRepository();

  void AddReadinessListener(ReadinessListener listener);

  /// Loads the built-in and every configured model. The first error ends the start (exit code 1).
  absl::Status LoadAll();
  /// Loads, or loads again (the old one serves until the new one is ready). kNotFound: no such
  /// directory.
  absl::Status Load(const std::string& name);
  /// Accepted work is finished. kNotFound: not loaded.
  absl::Status Unload(const std::string& name);

  /// version "": the newest. kNotFound: unknown model or version; kUnavailable: known but not
  /// loaded.
  absl::StatusOr<std::shared_ptr<LoadedModel>> Get(const std::string& name,
                                                   const std::string& version = "") const;
  std::vector<ModelIndexEntry> Index() const;
  std::vector<std::shared_ptr<LoadedModel>> Ready() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
