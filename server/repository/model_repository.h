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
#include "server/generation/generation_runner.h"
#include "server/metrics/metrics.h"
#include "server/repository/model_statistics.h"
#include "server/results/result_cache.h"
#include "server/results/row_sharing.h"

namespace attentiond {

/// A model that is ready. Holders keep it alive after an unload: accepted work is finished.
struct LoadedModel {
  std::string name;
  std::string version;                 ///< decimal, "1"
  std::shared_ptr<const Model> model;  ///< nullptr for the built-in "attention"
  std::shared_ptr<BatchQueue> queue;
  std::shared_ptr<ModelMetrics> metrics;
  std::shared_ptr<ModelStatistics> statistics;   ///< KServe's counters
  std::shared_ptr<GenerationRunner> generation;  ///< of a text generator; its queue's
  std::shared_ptr<RowSharing> sharing;           ///< of a text encoder; the executor's
  std::shared_ptr<ResultCache> cache;            ///< of all models; may be one that keeps nothing
  int64_t cache_number = 0;                      ///< ResultCache::NewModel()

  bool is_builtin_attention() const { return model == nullptr; }
};

/// A line of RepositoryIndex.
struct ModelIndexEntry {
  std::string name, version;
  std::string state;   ///< "READY", "UNAVAILABLE", "LOADING", "UNLOADING"
  std::string reason;  ///< why it is not ready; empty otherwise
};

/// Each model has a queue of its own; all run on the scheduler's one executor thread, with one
/// ExecutionContext that they share.
///
/// Threads: every method may be called concurrently. Load() and Unload() block their caller, Load()
/// for as long as loading takes: not for a reactor thread. For one name they run one after another.
class ModelRepository {
 public:
  using LoadFunction = std::function<absl::StatusOr<std::shared_ptr<const Model>>(
      const std::string& directory, const LoadOptions& options)>;

  struct Options {
    std::map<std::string, std::string> models;  ///< --model NAME=DIR
    std::string repository_directory;           ///< --model-repository; empty: none
    LoadOptions load;
    BatchQueueOptions batching;
    GenerationRunner::Options generation;
    std::shared_ptr<ResultCache> cache = std::make_shared<ResultCache>(0);
    LoadFunction load_model = &LoadModel;
    /// Told the size of the working memory of all models together after a batch has made it grow by
    /// a tenth at least; by the executor's thread. May be empty.
    std::function<void(size_t bytes)> on_workspace_growth;
  };
  /// Called on every change of readiness, in order and one at a time: (name, ready). May call
  /// anything of the repository but Load(), Unload(), LoadAll() and AddReadinessListener().
  using ReadinessListener = std::function<void(const std::string& name, bool ready)>;

  /// All pointers are borrowed. The scheduler and what it needs must outlive the repository;
  /// `metrics` and `compute_threads` must outlive the scheduler, whose last batches use them.
  ModelRepository(const Options& options, BatchScheduler* scheduler, Metrics* metrics,
                  ThreadPool* compute_threads, Clock* clock);
  ~ModelRepository();

  void AddReadinessListener(ReadinessListener listener);

  /// Loads the built-in and every configured model. The first error of a model that was named, or
  /// of the repository's directory itself, ends the start (exit code 1). A broken model in the
  /// repository's directory does not: it is UNAVAILABLE in the index, and a line of `warnings` (may
  /// be nullptr) says why.
  absl::Status LoadAll(std::vector<std::string>* warnings = nullptr);
  /// Loads, or loads again, from what is in the directory now; the old one serves until the new one
  /// is ready, and on when that fails. Nothing to do for the built-in.
  ///
  /// Errors  kNotFound: no such directory. kInvalidArgument: not a plain name, or a broken
  ///         checkpoint. Others as LoadModel.
  absl::Status Load(const std::string& name);
  /// Accepted work is finished; the queue closes with the last holder. kNotFound: not loaded.
  /// kFailedPrecondition: the built-in.
  absl::Status Unload(const std::string& name);

  /// version "": the newest. kNotFound: unknown model or version; kUnavailable: known but not
  /// loaded.
  absl::StatusOr<std::shared_ptr<LoadedModel>> Get(const std::string& name,
                                                   const std::string& version = "") const;
  /// By name; models that are known but not loaded too.
  std::vector<ModelIndexEntry> Index() const;
  std::vector<std::shared_ptr<LoadedModel>> Ready() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
