// tests/server/inference/inference_fixture.h -- the operations over fake models, with a clock that
// stands still and an executor that a test can hold.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/inference/inference.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_metrics.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/gate.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {

/// What `done` was called with. Threads: any.
template <typename... Results>
class Answer {
 public:
  void Set(Results... results) {
    {
      MutexLock lock(&mutex_);
      ++times_;
      results_ = std::make_unique<std::tuple<Results...>>(std::move(results)...);
    }
    answered_.SignalAll();
  }
  /// Blocks until it was called; checks that it was called once.
  std::tuple<Results...> Wait() {
    MutexLock lock(&mutex_);
    while (times_ == 0) answered_.Wait(&mutex_);
    EXPECT_EQ(times_, 1);
    return *results_;
  }
  int times() {
    MutexLock lock(&mutex_);
    return times_;
  }

 private:
  Mutex mutex_;
  CondVar answered_;
  int times_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<std::tuple<Results...>> results_ ABSL_GUARDED_BY(mutex_);
};

using CallAnswer = Answer<absl::Status, CallTiming>;
using TokenizeAnswer = Answer<absl::Status, std::vector<Encoding>, CallTiming>;
using EncodeAnswer = Answer<absl::Status, std::vector<EncodedRow>, CallTiming>;

/// Models: "classifier", "layer", "untokenized", a classifier without a tokenizer, and "pictures",
/// a classifier of those. Every run of one of them calls OnRun().
class InferenceFixture : public ::testing::Test {
 protected:
  InferenceFixture() { encode_options_.logits = true; }

  /// Called once, by the test.
  void Start() {
    for (const char* name : {"classifier", "layer", "untokenized", "pictures"}) {
      options_.models[name] = root_.path() + "/" + name;
      root_.Write(std::string(name) + "/config.json", "{}");
    }
    options_.load_model = [this](const std::string& directory, const LoadOptions&) {
      FakeModelOptions model;
      if (directory == root_.PathOf("layer")) model.kind = ModelKind::kAttentionLayer;
      if (directory == root_.PathOf("pictures")) model.kind = ModelKind::kImageClassification;
      model.has_tokenizer = directory != root_.PathOf("untokenized");
      model.on_run = [this](int64_t rows) { return OnRun(rows); };
      return MakeFakeModel(model);
    };
    repository_ =
        std::make_unique<ModelRepository>(options_, &scheduler_, &metrics_, &threads_, &clock_);
    ASSERT_EQ(repository_->LoadAll(), absl::OkStatus());
    inference_ = std::make_unique<Inference>(repository_.get(), &clock_, inference_options_);
  }

  std::shared_ptr<LoadedModel> Model(const std::string& name) { return *repository_->Get(name); }
  std::shared_ptr<FakeModelMetrics> MetricsOf(const std::string& name) {
    return metrics_.Of(name, name == "layer"       ? "attention_layer"
                             : name == "pictures"  ? "image_classification"
                             : name == "attention" ? "attention"
                                                   : "sequence_classification");
  }
  std::shared_ptr<Call> NewCall(absl::Time deadline = absl::InfiniteFuture()) {
    auto call = std::make_shared<Call>();
    call->arrival = clock_.Now();
    call->deadline = deadline;
    return call;
  }

  static std::vector<EncodeInput> Texts(const std::vector<absl::string_view>& texts) {
    std::vector<EncodeInput> inputs;
    for (const absl::string_view text : texts) {
      inputs.emplace_back().text = text;
    }
    return inputs;
  }
  std::shared_ptr<EncodeAnswer> Encode(std::vector<EncodeInput> inputs,
                                       std::shared_ptr<Call> call = nullptr,
                                       const std::string& model = "classifier") {
    auto answer = std::make_shared<EncodeAnswer>();
    inference_->Encode(
        Model(model), call == nullptr ? NewCall() : call, std::move(inputs), encode_options_,
        [answer](absl::Status status, std::vector<EncodedRow> rows, const CallTiming& timing) {
          answer->Set(std::move(status), std::move(rows), timing);
        });
    return answer;
  }
  absl::Status EncodeStatus(std::vector<EncodeInput> inputs, std::shared_ptr<Call> call = nullptr,
                            const std::string& model = "classifier") {
    return std::get<0>(Encode(std::move(inputs), std::move(call), model)->Wait());
  }
  /// Occupies the executor until gate_ opens.
  std::shared_ptr<EncodeAnswer> HoldExecutor() {
    gate_.Close();
    auto answer = Encode(Texts({"hold"}));
    gate_.WaitForArrivals(1);
    return answer;
  }

  /// Rows of each run so far.
  std::vector<int64_t> runs() {
    MutexLock lock(&mutex_);
    return runs_;
  }
  /// The next runs' error; OK: none.
  void FailRuns(const absl::Status& error) {
    MutexLock lock(&mutex_);
    run_error_ = error;
  }
  /// Compute takes so long, on the clock.
  void SetComputeTime(absl::Duration duration) {
    MutexLock lock(&mutex_);
    compute_time_ = duration;
  }

  TemporaryDirectory root_;
  FakeClock clock_;
  FakeMetrics metrics_;
  ThreadPool threads_{1};
  Gate gate_;  // passed by every run
  ModelRepository::Options options_;
  Inference::Options inference_options_;
  EncodeOptionsForRows encode_options_;  // logits are asked for
  BatchScheduler scheduler_{&clock_};
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<Inference> inference_;

 private:
  absl::Status OnRun(int64_t rows) {
    absl::Duration compute_time;
    absl::Status error;
    {
      MutexLock lock(&mutex_);
      runs_.push_back(rows);
      compute_time = compute_time_;
      error = run_error_;
    }
    gate_.Pass();
    clock_.Advance(compute_time);
    return error;
  }

  Mutex mutex_;
  std::vector<int64_t> runs_ ABSL_GUARDED_BY(mutex_);
  absl::Status run_error_ ABSL_GUARDED_BY(mutex_);
  absl::Duration compute_time_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond::testing
