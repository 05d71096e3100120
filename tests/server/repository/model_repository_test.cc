// Loading is replaced by a function of the test, so that no checkpoint is needed.
#include "server/repository/model_repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/ops/execution_context.h"
#include "core/ops/workspace.h"
#include "server/repository/model_task.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_metrics.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/gate.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeClock;
using testing::FakeMetrics;
using testing::FakeModelOptions;
using ::testing::Field;
using testing::Gate;
using ::testing::HasSubstr;
using testing::MakeFakeModel;
using testing::TemporaryDirectory;

auto Entry(const std::string& name, const std::string& version, const std::string& state,
           const std::string& reason_part = "") {
  return AllOf(Field(&ModelIndexEntry::name, name), Field(&ModelIndexEntry::version, version),
               Field(&ModelIndexEntry::state, state),
               Field(&ModelIndexEntry::reason, HasSubstr(reason_part)));
}

// Tells when it runs and when it is destroyed.
class ProbeTask final : public ModelTask {
 public:
  ProbeTask(std::shared_ptr<LoadedModel> model, Gate* gate, std::atomic<int>* done,
            size_t workspace_bytes)
      : model_(std::move(model)), gate_(gate), done_(done), workspace_bytes_(workspace_bytes) {}
  int64_t cost() const override { return 1; }
  uint64_t group() const override { return 0; }
  absl::Time deadline() const override { return absl::InfiniteFuture(); }
  bool cancelled() const override { return false; }
  void Drop(const absl::Status& /*reason*/) override { ADD_FAILURE() << "dropped"; }
  RunFunction run_function() const override {
    return [](std::vector<std::unique_ptr<BatchTask>> batch,
              ExecutionContext& context) -> BatchCompletion {
      EXPECT_EQ(context.threads().num_threads(), 1);
      for (const auto& task : batch) {
        const auto& probe = static_cast<ProbeTask&>(*task);
        context.workspace().Get(Workspace::Slot::kHidden, probe.workspace_bytes_);
        probe.gate_->Pass();
      }
      return [batch = std::move(batch)] {
        for (const auto& task : batch) ++*static_cast<ProbeTask&>(*task).done_;
      };
    };
  }

 private:
  const std::shared_ptr<LoadedModel> model_;
  Gate* const gate_;
  std::atomic<int>* const done_;
  const size_t workspace_bytes_;
};

class ModelRepositoryTest : public ::testing::Test {
 protected:
  ModelRepositoryTest() {
    options_.load_model =
        [this](const std::string& directory,
               const LoadOptions& options) -> absl::StatusOr<std::shared_ptr<const Model>> {
      EXPECT_EQ(options.precision, options_.load.precision);
      load_gate_.Pass();
      clock_.Advance(absl::Seconds(1));
      MutexLock lock(&mutex_);
      loads_.push_back(directory);
      if (load_error_.contains(directory)) return load_error_[directory];
      return MakeFakeModel({});
    };
  }

  ModelRepository& Make() {
    repository_ =
        std::make_unique<ModelRepository>(options_, &scheduler_, &metrics_, &threads_, &clock_);
    repository_->AddReadinessListener([this](const std::string& name, bool ready) {
      MutexLock lock(&mutex_);
      changes_.emplace_back(name, ready);
    });
    return *repository_;
  }
  void FailLoading(const std::string& directory, const absl::Status& error) {
    MutexLock lock(&mutex_);
    load_error_[directory] = error;
  }
  std::vector<std::pair<std::string, bool>> changes() {
    MutexLock lock(&mutex_);
    return changes_;
  }
  std::vector<std::string> loads() {
    MutexLock lock(&mutex_);
    return loads_;
  }
  std::shared_ptr<testing::FakeModelMetrics> MetricsOf(const std::string& name) {
    return metrics_.Of(name, "sequence_classification");
  }
  absl::Status ScheduleProbe(const std::shared_ptr<LoadedModel>& model, Gate* gate,
                             size_t workspace_bytes = 0) {
    std::vector<std::unique_ptr<BatchTask>> tasks;
    tasks.push_back(std::make_unique<ProbeTask>(model, gate, &done_, workspace_bytes));
    return model->queue->Schedule(&tasks);
  }

  TemporaryDirectory root_;
  FakeClock clock_;
  FakeMetrics metrics_;
  ThreadPool threads_{1};
  Gate load_gate_;
  std::atomic<int> done_{0};
  Mutex mutex_;
  std::vector<std::string> loads_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> load_error_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, bool>> changes_ ABSL_GUARDED_BY(mutex_);
  BatchScheduler scheduler_{&clock_};
  ModelRepository::Options options_;
  std::unique_ptr<ModelRepository> repository_;
};

TEST_F(ModelRepositoryTest, TheBuiltinIsAlwaysReady) {
  ModelRepository& repository = Make();
  EXPECT_EQ(repository.Get("attention").status().code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  const auto attention = repository.Get("attention", "1");
  ASSERT_TRUE(attention.ok()) << attention.status();
  EXPECT_TRUE((*attention)->is_builtin_attention());
  EXPECT_EQ(repository.Get("attention", "2").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(repository.Unload("attention").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(repository.Load("attention"), absl::OkStatus());
  EXPECT_THAT(repository.Index(), ElementsAre(Entry("attention", "1", "READY")));
  EXPECT_THAT(changes(), ElementsAre(std::pair("attention", true)));
  EXPECT_TRUE(metrics_.Of("attention", "attention")->Read().ready.at("1"));
}

TEST_F(ModelRepositoryTest, TellsWhenTheWorkingMemoryGrows) {
  std::vector<size_t> told;  // by the executor's thread, before Drain() returns
  options_.on_workspace_growth = [&told](size_t bytes) { told.push_back(bytes); };
  ASSERT_EQ(Make().LoadAll(), absl::OkStatus());
  const auto model = *repository_->Get("attention");
  Gate open;
  for (const size_t bytes : {size_t{1000}, size_t{1000}, size_t{1050}, size_t{2000}}) {
    ASSERT_EQ(ScheduleProbe(model, &open, bytes), absl::OkStatus());
    ASSERT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  }
  EXPECT_THAT(told, ElementsAre(1000, 2000));
}

TEST_F(ModelRepositoryTest, LoadsNamedModelsAndTheRepositorysFolders) {
  root_.Write("named/config.json", "{}");
  root_.Write("models/a/config.json", "{}");
  root_.Write("models/b/7/config.json", "{}");
  options_.models = {{"n", root_.PathOf("named")}};
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  std::vector<std::string> warnings;
  ASSERT_EQ(repository.LoadAll(&warnings), absl::OkStatus());
  EXPECT_THAT(warnings, ElementsAre());
  EXPECT_THAT(repository.Index(),
              ElementsAre(Entry("a", "1", "READY"), Entry("attention", "1", "READY"),
                          Entry("b", "7", "READY"), Entry("n", "1", "READY")));
  EXPECT_THAT(loads(), ElementsAre(root_.PathOf("named"), root_.PathOf("models/a"),
                                   root_.PathOf("models/b/7")));
  EXPECT_EQ(repository.Ready().size(), 4u);
  EXPECT_EQ((*repository.Get("b"))->version, "7");
  EXPECT_EQ(repository.Get("b", "1").status().code(), absl::StatusCode::kNotFound);
  const auto recorded = MetricsOf("b")->Read();
  EXPECT_TRUE(recorded.ready.at("7"));
  EXPECT_EQ(recorded.weight_bytes, 1234);
}

TEST_F(ModelRepositoryTest, ABrokenNamedModelEndsTheStart) {
  root_.Write("named/config.json", "{}");
  FailLoading(root_.PathOf("named"), absl::InvalidArgumentError("config.json: hidden_size: 0"));
  options_.models = {{"n", root_.PathOf("named")}};
  const absl::Status status = Make().LoadAll();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("--model n="), HasSubstr("hidden_size: 0")));
}

TEST_F(ModelRepositoryTest, AMissingNamedModelEndsTheStart) {
  options_.models = {{"n", root_.PathOf("absent")}};
  EXPECT_EQ(Make().LoadAll().code(), absl::StatusCode::kNotFound);
}

TEST_F(ModelRepositoryTest, AMissingRepositoryEndsTheStart) {
  options_.repository_directory = root_.PathOf("absent");
  const absl::Status status = Make().LoadAll();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--model-repository"));
}

TEST_F(ModelRepositoryTest, TheBuiltinsNameIsTaken) {
  root_.Write("m/config.json", "{}");
  options_.models = {{"attention", root_.PathOf("m")}};
  EXPECT_EQ(Make().LoadAll().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ModelRepositoryTest, BrokenFoldersOfTheRepositoryAreReportedAndUnavailable) {
  root_.Write("models/bad/config.json", "{}");
  root_.Write("models/good/config.json", "{}");
  root_.Write("models/attention/config.json", "{}");
  root_.Write("models/new\nline/config.json", "{}");
  root_.Write("outside/config.json", "{}");
  std::filesystem::create_symlink(root_.PathOf("outside"), root_.PathOf("models/link"));
  FailLoading(root_.PathOf("models/bad"), absl::InvalidArgumentError("no weights"));
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  std::vector<std::string> warnings;
  ASSERT_EQ(repository.LoadAll(&warnings), absl::OkStatus());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("attention: "), HasSubstr("new\\nline: "),
                                    HasSubstr("bad: no weights"), HasSubstr("leads out")));
  EXPECT_THAT(
      repository.Index(),
      ElementsAre(Entry("attention", "1", "READY"), Entry("bad", "1", "UNAVAILABLE", "no weights"),
                  Entry("good", "1", "READY"), Entry("link", "", "UNAVAILABLE", "leads out")));
  const absl::Status bad = repository.Get("bad").status();
  EXPECT_EQ(bad.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(bad.message()), HasSubstr("no weights"));
}

TEST_F(ModelRepositoryTest, ConfiguredModelsAreUnavailableWhileOthersLoad) {
  root_.Write("a/config.json", "{}");
  root_.Write("b/config.json", "{}");
  options_.models = {{"a", root_.PathOf("a")}, {"b", root_.PathOf("b")}};
  ModelRepository& repository = Make();
  load_gate_.Close();
  std::thread loader([&repository] { EXPECT_EQ(repository.LoadAll(), absl::OkStatus()); });
  load_gate_.WaitForArrivals(1);
  EXPECT_THAT(repository.Index(),
              ElementsAre(Entry("a", "1", "LOADING"), Entry("attention", "1", "READY"),
                          Entry("b", "", "UNAVAILABLE", "not loaded yet")));
  EXPECT_EQ(repository.Get("a").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(repository.Get("b").status().code(), absl::StatusCode::kUnavailable);
  load_gate_.Open();
  loader.join();
  EXPECT_TRUE(repository.Get("b").ok());
}

TEST_F(ModelRepositoryTest, LoadFindsANewFolderAtRunTime) {
  std::filesystem::create_directory(root_.PathOf("models"));
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  EXPECT_EQ(repository.Load("m").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(repository.Load("../m").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(repository.Index().size(), 1u) << "names that were made up must not be remembered";
  root_.Write("models/m/config.json", "{}");
  EXPECT_EQ(repository.Load("m"), absl::OkStatus());
  EXPECT_TRUE(repository.Get("m").ok());
}

TEST_F(ModelRepositoryTest, LoadWithoutARepositoryIsNotFound) {
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  EXPECT_EQ(repository.Load("m").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(repository.Unload("m").code(), absl::StatusCode::kNotFound);
}

TEST_F(ModelRepositoryTest, TheOldServesUntilTheNewIsReady) {
  root_.Write("models/m/1/config.json", "{}");
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  auto old = *repository.Get("m");
  const std::weak_ptr<const Model> old_model = old->model;
  root_.Write("models/m/2/config.json", "{}");

  load_gate_.Close();
  std::thread loader([&repository] { EXPECT_EQ(repository.Load("m"), absl::OkStatus()); });
  load_gate_.WaitForArrivals(2);
  EXPECT_EQ(*repository.Get("m"), old);
  EXPECT_THAT(repository.Index(),
              ElementsAre(Entry("attention", "1", "READY"), Entry("m", "1", "READY")));
  load_gate_.Open();
  loader.join();

  EXPECT_EQ((*repository.Get("m"))->version, "2");
  EXPECT_EQ(repository.Get("m", "1").status().code(), absl::StatusCode::kNotFound);
  // Who took the old one before the change can still use it.
  Gate open;
  EXPECT_EQ(ScheduleProbe(old, &open), absl::OkStatus());
  ASSERT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  EXPECT_EQ(done_, 1);
  old.reset();
  EXPECT_TRUE(old_model.expired());
  const auto recorded = MetricsOf("m")->Read();
  EXPECT_FALSE(recorded.ready.at("1"));
  EXPECT_TRUE(recorded.ready.at("2"));
  // Readiness of the name has not changed.
  EXPECT_THAT(changes(), ElementsAre(std::pair("attention", true), std::pair("m", true)));
}

TEST_F(ModelRepositoryTest, AFailedReloadLeavesTheOldServing) {
  root_.Write("models/m/config.json", "{}");
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  const auto old = *repository.Get("m");
  FailLoading(root_.PathOf("models/m"), absl::InvalidArgumentError("broken now"));
  EXPECT_EQ(repository.Load("m").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*repository.Get("m"), old);
  std::filesystem::remove_all(root_.PathOf("models/m"));
  EXPECT_EQ(repository.Load("m").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*repository.Get("m"), old);
  EXPECT_THAT(repository.Index(),
              ElementsAre(Entry("attention", "1", "READY"), Entry("m", "1", "READY")));
}

TEST_F(ModelRepositoryTest, AReloadKeepsTheStatisticsOfItsVersion) {
  root_.Write("models/m/config.json", "{}");
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  (*repository.Get("m"))->statistics->RecordExecution();
  ASSERT_EQ(repository.Load("m"), absl::OkStatus());
  EXPECT_EQ((*repository.Get("m"))->statistics->Read().execution_count, 1u);
}

TEST_F(ModelRepositoryTest, UnloadFinishesAcceptedWork) {
  root_.Write("m/config.json", "{}");
  options_.models = {{"m", root_.PathOf("m")}};
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  auto model = *repository.Get("m");
  const std::weak_ptr<const Model> alive = model->model;
  const std::weak_ptr<BatchQueue> queue = model->queue;
  Gate gate;
  gate.Close();
  EXPECT_EQ(ScheduleProbe(model, &gate), absl::OkStatus());
  gate.WaitForArrivals(1);
  EXPECT_EQ(ScheduleProbe(model, &gate), absl::OkStatus());  // waits behind it
  model.reset();

  EXPECT_EQ(repository.Unload("m"), absl::OkStatus());
  EXPECT_FALSE(alive.expired());
  const absl::Status gone = repository.Get("m").status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), HasSubstr("unloaded"));
  EXPECT_EQ(repository.Unload("m").code(), absl::StatusCode::kNotFound);

  gate.Open();
  ASSERT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  EXPECT_EQ(done_, 2);
  EXPECT_TRUE(alive.expired());
  EXPECT_TRUE(queue.expired());
  EXPECT_THAT(repository.Index(), ElementsAre(Entry("attention", "1", "READY"),
                                              Entry("m", "1", "UNAVAILABLE", "unloaded")));
  EXPECT_THAT(changes(), ElementsAre(std::pair("attention", true), std::pair("m", true),
                                     std::pair("m", false)));
  EXPECT_FALSE(MetricsOf("m")->Read().ready.at("1"));
  EXPECT_FALSE(MetricsOf("m")->probe());
  EXPECT_EQ(repository.Load("m"), absl::OkStatus());
  EXPECT_TRUE(repository.Get("m").ok());
}

TEST_F(ModelRepositoryTest, TheProbeReadsTheQueue) {
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  auto model = *repository.Get("attention");
  Gate gate;
  gate.Close();
  EXPECT_EQ(ScheduleProbe(model, &gate), absl::OkStatus());
  gate.WaitForArrivals(1);
  EXPECT_EQ(ScheduleProbe(model, &gate), absl::OkStatus());
  clock_.Advance(absl::Seconds(3));
  int64_t tasks = -1;
  absl::Duration oldest;
  metrics_.Of("attention", "attention")->probe()(&tasks, &oldest);
  EXPECT_EQ(tasks, 1);
  EXPECT_EQ(oldest, absl::Seconds(3));
  gate.Open();
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
}

TEST_F(ModelRepositoryTest, LoadsAndUnloadsOfOneNameRunOneAfterAnother) {
  root_.Write("models/m/config.json", "{}");
  root_.Write("models/n/config.json", "{}");
  options_.repository_directory = root_.PathOf("models");
  std::atomic<int> loading{0};
  options_.load_model = [&](const std::string& directory,
                            const LoadOptions&) -> absl::StatusOr<std::shared_ptr<const Model>> {
    const bool is_m = directory == root_.PathOf("models/m");
    if (is_m) {
      EXPECT_EQ(++loading, 1) << "two loads of one name at once";
    }
    auto model = MakeFakeModel({});
    if (is_m) --loading;
    return model;
  };
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&repository, i] {
      for (int j = 0; j < 25; ++j) {
        const std::string name = (i + j) % 4 == 0 ? "n" : "m";
        if ((i + j) % 3 == 0) {
          const absl::Status status = repository.Unload(name);
          EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
        } else {
          EXPECT_EQ(repository.Load(name), absl::OkStatus());
        }
        repository.Get(name).IgnoreError();
        repository.Index();
        repository.Ready();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Told in order: for each name ready and not ready take turns.
  std::map<std::string, bool> last;
  for (const auto& [name, ready] : changes()) {
    EXPECT_NE(last[name], ready) << name;
    last[name] = ready;
  }
  for (const char* name : {"m", "n"}) EXPECT_EQ(repository.Get(name).ok(), last[name]);
}

TEST_F(ModelRepositoryTest, ListenersMayReadTheRepository) {
  ModelRepository& repository = Make();
  size_t ready = 0;
  repository.AddReadinessListener(
      [&](const std::string&, bool) { ready = repository.Ready().size(); });
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  EXPECT_EQ(ready, 1u);
}

// With the loader that ships: a real checkpoint, and a broken one.
TEST_F(ModelRepositoryTest, LoadsCheckpointsByDefault) {
  options_.load_model = ModelRepository::Options().load_model;
  options_.models = {{"layer", std::string(ATTENTIOND_SOURCE_DIR) + "/tests/golden/mha-0"}};
  ModelRepository& repository = Make();
  ASSERT_EQ(repository.LoadAll(), absl::OkStatus());
  const auto layer = repository.Get("layer");
  ASSERT_TRUE(layer.ok()) << layer.status();
  EXPECT_NE((*layer)->model->AsAttentionLayer(), nullptr);
}

TEST_F(ModelRepositoryTest, ABrokenCheckpointIsAnErrorOfLoad) {
  options_.load_model = ModelRepository::Options().load_model;
  root_.Write("models/m/config.json", "not JSON");
  options_.repository_directory = root_.PathOf("models");
  ModelRepository& repository = Make();
  std::vector<std::string> warnings;
  ASSERT_EQ(repository.LoadAll(&warnings), absl::OkStatus());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("config.json")));
  EXPECT_FALSE(repository.Load("m").ok());
}

}  // namespace
}  // namespace attentiond
