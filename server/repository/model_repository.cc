// server/repository/model_repository.cc -- the table of models and its changes.
#include "server/repository/model_repository.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/ops/execution_context.h"
#include "core/ops/workspace.h"
#include "server/repository/model_location.h"
#include "server/repository/model_task.h"
#include "server/repository/task_label.h"

namespace attentiond {
namespace {

constexpr char kBuiltinName[] = "attention";
constexpr char kBuiltinVersion[] = "1";
// Tokens of the sources that are encoded between two steps: those that run must not wait for long.
constexpr int64_t kMostJoiningTokens = 2048;
constexpr char kNotYetLoaded[] = "not loaded yet";

void AttachGenerationProbe(const LoadedModel& model) {
  model.metrics->SetGenerationProbe([queue = std::weak_ptr<BatchQueue>(model.queue),
                                     runner = std::weak_ptr<GenerationRunner>(model.generation)] {
    GenerationState state;
    if (const auto locked = queue.lock()) state.waiting = locked->size();
    if (const auto locked = runner.lock()) {
      state.running = locked->num_running();
      state.used_pages = locked->used_pages();
      state.reserved_pages = locked->reserved_pages();
      state.total_pages = locked->total_pages();
    }
    return state;
  });
}

// What scrapes read of the model from here on is nothing.
void DetachProbes(const LoadedModel& model) {
  model.metrics->SetQueueProbe(nullptr);
  if (model.generation != nullptr) model.metrics->SetGenerationProbe(nullptr);
}

}  // namespace

class ModelRepository::Impl {
 public:
  Impl(const Options& options, BatchScheduler* scheduler, Metrics* metrics,
       ThreadPool* compute_threads, Clock* clock)
      : options_(options),
        scheduler_(scheduler),
        metrics_(metrics),
        clock_(clock),
        workers_(std::make_shared<Workers>(compute_threads, options_.on_workspace_growth)) {}
  ~Impl();

  void AddReadinessListener(ReadinessListener listener);
  absl::Status LoadAll(std::vector<std::string>* warnings);
  absl::Status Load(const std::string& name);
  absl::Status Unload(const std::string& name);
  absl::StatusOr<std::shared_ptr<LoadedModel>> Get(const std::string& name,
                                                   const std::string& version) const;
  std::vector<ModelIndexEntry> Index() const;
  std::vector<std::shared_ptr<LoadedModel>> Ready() const;

 private:
  // A known model.
  struct Entry {
    std::shared_ptr<LoadedModel> ready;  // nullptr: not loaded
    std::string version;                 // the last that was tried or loaded; may be empty
    bool loading = false;
    std::string reason;  // why it is not loaded
  };

  // Runs batches. Used by the executor's thread alone.
  class Workers {
   public:
    Workers(ThreadPool* compute_threads, std::function<void(size_t bytes)> on_growth)
        : context_(compute_threads), on_growth_(std::move(on_growth)) {}

    BatchCompletion Run(std::vector<std::unique_ptr<BatchTask>> batch) {
      const auto& first = static_cast<const ModelTask&>(*batch.front());
      BatchCompletion completion = first.run_function()(std::move(batch), context_);
      TellGrowth();
      return completion;
    }
    StepReport Step(std::vector<std::unique_ptr<BatchTask>> joining, GenerationRunner* runner) {
      StepReport report = runner->Step(std::move(joining), context_);
      TellGrowth();
      return report;
    }

   private:
    void TellGrowth() {
      const size_t bytes = context_.workspace().total_bytes();
      if (bytes > told_bytes_ + told_bytes_ / 10) {
        told_bytes_ = bytes;
        if (on_growth_ != nullptr) on_growth_(bytes);
      }
    }

    ExecutionContext context_;
    const std::function<void(size_t bytes)> on_growth_;
    size_t told_bytes_ = 0;
  };

  // Steps of a model that writes text, by those workers.
  class Stepper final : public StepRunner {
   public:
    Stepper(std::shared_ptr<Workers> workers, std::shared_ptr<GenerationRunner> runner)
        : workers_(std::move(workers)), runner_(std::move(runner)) {}

    bool TakeRoom(const BatchTask& task) override {
      return runner_->TakeRoom(static_cast<const GenerationTask&>(task));
    }
    StepReport Step(std::vector<std::unique_ptr<BatchTask>> joining) override {
      return workers_->Step(std::move(joining), runner_.get());
    }
    bool running() const override { return runner_->running(); }
    void Abort(const absl::Status& reason) override { runner_->Abort(reason); }

   private:
    const std::shared_ptr<Workers> workers_;
    const std::shared_ptr<GenerationRunner> runner_;
  };

  // Has the only right to load or unload `name` while it lives; waits for it.
  class Turn {
   public:
    Turn(Impl* impl, const std::string& name);
    ~Turn();

   private:
    Impl* const impl_;
    const std::string& name_;
  };

  // The models of --model-repository that LoadAll() shall load.
  absl::StatusOr<std::vector<std::string>> FindInRepository(
      std::vector<std::string>* warnings) const;
  absl::StatusOr<ModelLocation> Locate(const std::string& name) const;
  absl::StatusOr<std::shared_ptr<LoadedModel>> LoadFrom(const std::string& name,
                                                        const ModelLocation& location);
  std::shared_ptr<LoadedModel> MakeLoaded(const std::string& name, const std::string& version,
                                          std::shared_ptr<const Model> model, const char* task);
  void MarkLoading(const std::string& name, const std::string& version);
  void MarkFailed(const std::string& name, const absl::Status& status);
  void Publish(std::shared_ptr<LoadedModel> loaded);
  void Notify(const std::string& name, bool ready);

  const Options options_;
  BatchScheduler* const scheduler_;
  Metrics* const metrics_;
  Clock* const clock_;
  const std::shared_ptr<Workers> workers_;  // the queues' runners share it

  mutable Mutex mutex_;
  CondVar turn_ended_;
  std::set<std::string> turns_ ABSL_GUARDED_BY(mutex_);  // names that are being loaded or unloaded
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);

  Mutex listeners_mutex_;  // held while listeners are told, so that they are told in order
  std::vector<ReadinessListener> listeners_ ABSL_GUARDED_BY(listeners_mutex_);
};

ModelRepository::Impl::Turn::Turn(Impl* impl, const std::string& name) : impl_(impl), name_(name) {
  MutexLock lock(&impl_->mutex_);
  while (!impl_->turns_.insert(name_).second) impl_->turn_ended_.Wait(&impl_->mutex_);
}

ModelRepository::Impl::Turn::~Turn() {
  {
    MutexLock lock(&impl_->mutex_);
    impl_->turns_.erase(name_);
  }
  impl_->turn_ended_.SignalAll();
}

ModelRepository::Impl::~Impl() {
  for (const std::shared_ptr<LoadedModel>& model : Ready()) DetachProbes(*model);
}

void ModelRepository::Impl::AddReadinessListener(ReadinessListener listener) {
  MutexLock lock(&listeners_mutex_);
  listeners_.push_back(std::move(listener));
}

void ModelRepository::Impl::Notify(const std::string& name, bool ready) {
  MutexLock lock(&listeners_mutex_);
  for (const ReadinessListener& listener : listeners_) listener(name, ready);
}

absl::Status ModelRepository::Impl::LoadAll(std::vector<std::string>* warnings) {
  std::vector<std::string> ignored;
  if (warnings == nullptr) warnings = &ignored;
  ASSIGN_OR_RETURN(const std::vector<std::string> found, FindInRepository(warnings));
  Publish(MakeLoaded(kBuiltinName, kBuiltinVersion, nullptr, "attention"));
  {
    MutexLock lock(&mutex_);
    for (const auto& [name, directory] : options_.models) entries_[name].reason = kNotYetLoaded;
    for (const std::string& name : found) entries_[name].reason = kNotYetLoaded;
  }
  for (const auto& [name, directory] : options_.models) {
    const absl::Status loaded = Load(name);
    if (!loaded.ok()) return Prefixed(absl::StrCat("--model ", name, "=", directory), loaded);
  }
  for (const std::string& name : found) {
    const absl::Status loaded = Load(name);
    if (!loaded.ok()) warnings->emplace_back(loaded.message());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ModelRepository::Impl::FindInRepository(
    std::vector<std::string>* warnings) const {
  std::vector<std::string> found;
  if (options_.repository_directory.empty()) return found;
  absl::StatusOr<std::vector<std::string>> names = ListModels(options_.repository_directory);
  if (!names.ok()) return Prefixed("--model-repository", names.status());
  for (const std::string& name : *names) {
    const absl::Status plain = CheckModelName(name);
    if (!plain.ok()) {
      warnings->push_back(absl::StrCat(absl::CHexEscape(name), ": ", plain.message()));
    } else if (name == kBuiltinName || options_.models.contains(name)) {
      warnings->push_back(
          absl::StrCat(name, ": in the model repository, but the name is taken; ignored"));
    } else {
      found.push_back(name);
    }
  }
  return found;
}

absl::StatusOr<ModelLocation> ModelRepository::Impl::Locate(const std::string& name) const {
  const auto named = options_.models.find(name);
  if (named != options_.models.end()) return LocateModel(named->second);
  if (options_.repository_directory.empty()) {
    return absl::NotFoundError("no such model, and no --model-repository to load it from");
  }
  return LocateModelIn(options_.repository_directory, name);
}

absl::Status ModelRepository::Impl::Load(const std::string& name) {
  RETURN_IF_ERROR(CheckModelName(name));
  if (name == kBuiltinName) {
    return options_.models.contains(name)
               ? absl::InvalidArgumentError("attention: the name of the built-in model")
               : absl::OkStatus();
  }
  const Turn turn(this, name);
  absl::StatusOr<ModelLocation> location = Locate(name);
  absl::Status failed = location.status();
  if (location.ok()) {
    MarkLoading(name, location->version);
    absl::StatusOr<std::shared_ptr<LoadedModel>> loaded = LoadFrom(name, *location);
    if (loaded.ok()) {
      Publish(*std::move(loaded));
      return absl::OkStatus();
    }
    failed = loaded.status();
  }
  failed = Prefixed(name, failed);
  MarkFailed(name, failed);
  return failed;
}

absl::StatusOr<std::shared_ptr<LoadedModel>> ModelRepository::Impl::LoadFrom(
    const std::string& name, const ModelLocation& location) {
  const absl::Time start = clock_->Now();
  ASSIGN_OR_RETURN(std::shared_ptr<const Model> model,
                   options_.load_model(location.directory, options_.load));
  const ModelInfo& info = model->info();
  std::shared_ptr<LoadedModel> loaded =
      MakeLoaded(name, location.version, model, TaskLabel(info.kind));
  loaded->metrics->SetLoaded(clock_->Now() - start, static_cast<int64_t>(info.weight_bytes));
  return loaded;
}

std::shared_ptr<LoadedModel> ModelRepository::Impl::MakeLoaded(const std::string& name,
                                                               const std::string& version,
                                                               std::shared_ptr<const Model> model,
                                                               const char* task) {
  auto loaded = std::make_shared<LoadedModel>();
  loaded->name = name;
  loaded->version = version;
  loaded->model = std::move(model);
  loaded->metrics = metrics_->ForModel(name, task);
  loaded->statistics = std::make_shared<ModelStatistics>();
  loaded->sharing = std::make_shared<RowSharing>();
  loaded->cache = options_.cache;
  loaded->cache_number = options_.cache->NewModel();
  if (loaded->model != nullptr && loaded->model->AsTextGenerator() != nullptr) {
    loaded->generation =
        std::make_shared<GenerationRunner>(loaded->model, options_.generation, clock_);
    BatchQueueOptions joining = options_.batching;
    joining.max_batch_tokens = std::min(joining.max_batch_tokens, kMostJoiningTokens);
    loaded->queue = scheduler_->AddStepQueue(
        name, joining, std::make_shared<Stepper>(workers_, loaded->generation), loaded->metrics);
    return loaded;
  }
  // The runner must not hold the LoadedModel, which holds the queue, which holds the runner.
  loaded->queue = scheduler_->AddQueue(
      name, options_.batching,
      [workers = workers_](std::vector<std::unique_ptr<BatchTask>> batch) {
        return workers->Run(std::move(batch));
      },
      loaded->metrics);
  return loaded;
}

void ModelRepository::Impl::MarkLoading(const std::string& name, const std::string& version) {
  MutexLock lock(&mutex_);
  Entry& entry = entries_[name];
  entry.loading = true;
  entry.reason.clear();
  if (entry.ready == nullptr) entry.version = version;
}

void ModelRepository::Impl::MarkFailed(const std::string& name, const absl::Status& status) {
  MutexLock lock(&mutex_);
  auto entry = entries_.find(name);
  if (entry == entries_.end()) {
    // What is not there must not be remembered: any caller can make names up.
    if (absl::IsNotFound(status)) return;
    entry = entries_.try_emplace(name).first;
  }
  entry->second.loading = false;
  if (entry->second.ready == nullptr) entry->second.reason = std::string(status.message());
}

void ModelRepository::Impl::Publish(std::shared_ptr<LoadedModel> loaded) {
  // The old one goes when the last call that uses it ends; its queue closes with it.
  std::shared_ptr<LoadedModel> old;
  {
    MutexLock lock(&mutex_);
    Entry& entry = entries_[loaded->name];
    old = std::exchange(entry.ready, loaded);
    entry.version = loaded->version;
    entry.loading = false;
    entry.reason.clear();
    if (old != nullptr && old->version == loaded->version) {
      loaded->statistics = old->statistics;
    }
  }
  if (old != nullptr && (old->version != loaded->version || old->metrics != loaded->metrics)) {
    old->metrics->SetReady(old->version, false);
    DetachProbes(*old);
  }
  loaded->metrics->SetReady(loaded->version, true);
  loaded->metrics->SetQueueProbe(
      [queue = std::weak_ptr<BatchQueue>(loaded->queue)](int64_t* tasks, absl::Duration* oldest) {
        const std::shared_ptr<BatchQueue> locked = queue.lock();
        *tasks = locked == nullptr ? 0 : locked->size();
        *oldest = locked == nullptr ? absl::ZeroDuration() : locked->oldest();
      });
  if (loaded->generation != nullptr) AttachGenerationProbe(*loaded);
  if (old == nullptr) Notify(loaded->name, true);
}

absl::Status ModelRepository::Impl::Unload(const std::string& name) {
  RETURN_IF_ERROR(CheckModelName(name));
  if (name == kBuiltinName) {
    return absl::FailedPreconditionError("attention: the built-in model cannot be unloaded");
  }
  const Turn turn(this, name);
  std::shared_ptr<LoadedModel> old;
  {
    MutexLock lock(&mutex_);
    const auto entry = entries_.find(name);
    if (entry == entries_.end() || entry->second.ready == nullptr) {
      return absl::NotFoundError(absl::StrCat(name, ": not loaded"));
    }
    old = std::exchange(entry->second.ready, nullptr);
    entry->second.reason = "unloaded";
  }
  old->metrics->SetReady(old->version, false);
  DetachProbes(*old);
  Notify(name, false);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<LoadedModel>> ModelRepository::Impl::Get(
    const std::string& name, const std::string& version) const {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("model \"", name, "\" is not known"));
  }
  const Entry& entry = found->second;
  if (!version.empty() && version != entry.version) {
    return absl::NotFoundError(absl::StrCat("model \"", name, "\" has no version \"", version,
                                            "\", only \"", entry.version, "\""));
  }
  if (entry.ready == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "model \"", name, "\" is not ready: ", entry.loading ? "it is loading" : entry.reason));
  }
  return entry.ready;
}

std::vector<ModelIndexEntry> ModelRepository::Impl::Index() const {
  MutexLock lock(&mutex_);
  std::vector<ModelIndexEntry> index;
  for (const auto& [name, entry] : entries_) {
    const char* const state =
        entry.ready != nullptr ? "READY" : (entry.loading ? "LOADING" : "UNAVAILABLE");
    index.push_back({name, entry.version, state, entry.reason});
  }
  return index;
}

std::vector<std::shared_ptr<LoadedModel>> ModelRepository::Impl::Ready() const {
  MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<LoadedModel>> ready;
  for (const auto& [name, entry] : entries_) {
    if (entry.ready != nullptr) ready.push_back(entry.ready);
  }
  return ready;
}

ModelRepository::ModelRepository(const Options& options, BatchScheduler* scheduler,
                                 Metrics* metrics, ThreadPool* compute_threads, Clock* clock)
    : impl_(std::make_unique<Impl>(options, scheduler, metrics, compute_threads, clock)) {}

ModelRepository::~ModelRepository() = default;

void ModelRepository::AddReadinessListener(ReadinessListener listener) {
  impl_->AddReadinessListener(std::move(listener));
}

absl::Status ModelRepository::LoadAll(std::vector<std::string>* warnings) {
  return impl_->LoadAll(warnings);
}

absl::Status ModelRepository::Load(const std::string& name) { return impl_->Load(name); }

absl::Status ModelRepository::Unload(const std::string& name) { return impl_->Unload(name); }

absl::StatusOr<std::shared_ptr<LoadedModel>> ModelRepository::Get(
    const std::string& name, const std::string& version) const {
  return impl_->Get(name, version);
}

std::vector<ModelIndexEntry> ModelRepository::Index() const { return impl_->Index(); }

std::vector<std::shared_ptr<LoadedModel>> ModelRepository::Ready() const { return impl_->Ready(); }

}  // namespace attentiond
