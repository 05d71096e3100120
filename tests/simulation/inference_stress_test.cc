// Sixty-four clients at once, on the real clock, while models are loaded and unloaded: every call
// is answered once, with its own result or with an error that fits.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "server/inference/inference.h"
#include "tests/testing/fake_metrics.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using testing::FakeMetrics;
using testing::MakeFakeModel;
using testing::TemporaryDirectory;

constexpr int kClients = 64;
constexpr int kCallsPerClient = 50;

class InferenceStressTest : public ::testing::Test {
 protected:
  InferenceStressTest() {
    for (const char* name : {"a", "b"}) {
      root_.Write(std::string(name) + "/config.json", "{}");
      options_.models[name] = root_.PathOf(name);
    }
    options_.load_model = [](const std::string&, const LoadOptions&) { return MakeFakeModel({}); };
    options_.batching.max_batch_requests = 32;
    repository_ = std::make_unique<ModelRepository>(options_, &scheduler_, &metrics_, &threads_,
                                                    Clock::Real());
    EXPECT_EQ(repository_->LoadAll(), absl::OkStatus());
    inference_ =
        std::make_unique<Inference>(repository_.get(), Clock::Real(), Inference::Options());
  }

  // Calls and waits. Rows of `length` characters 'x', each with an id of 3 + 120, [CLS] 0, [SEP] 1.
  void CallEncode(std::mt19937* random) {
    const auto pick = [random](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(*random);
    };
    const auto model = repository_->Get(pick(0, 1) == 0 ? "a" : "b");
    if (!model.ok()) {
      EXPECT_TRUE(absl::IsUnavailable(model.status())) << model.status();
      return;
    }
    const bool large = pick(0, 9) == 0;  // tokenized by another thread
    const std::string text(large ? 5000 : static_cast<size_t>(pick(0, 30)), 'x');
    std::vector<EncodeInput> inputs(static_cast<size_t>(pick(1, 5)));
    for (EncodeInput& input : inputs) input.text = text;
    EncodeOptionsForRows options;
    options.logits = true;
    options.truncate = large;
    auto call = std::make_shared<Call>();
    call->arrival = Clock::Real()->Now();
    if (pick(0, 9) == 0) call->deadline = call->arrival + absl::Microseconds(pick(0, 500));

    struct Answer {
      std::atomic<int> times{0};
      absl::Status status;
      std::vector<EncodedRow> rows;
      Mutex mutex;
      CondVar answered;
    };
    auto answer = std::make_shared<Answer>();
    const size_t num_rows = inputs.size();
    inference_->Encode(
        *model, call, std::move(inputs), options,
        [answer](absl::Status status, std::vector<EncodedRow> rows, const CallTiming&) {
          MutexLock lock(&answer->mutex);
          answer->status = std::move(status);
          answer->rows = std::move(rows);
          ++answer->times;
          answer->answered.SignalAll();
        });
    if (pick(0, 9) == 0) call->cancelled = true;
    MutexLock lock(&answer->mutex);
    while (answer->times == 0) answer->answered.Wait(&answer->mutex);
    EXPECT_EQ(answer->times, 1);
    if (answer->status.ok()) {
      ASSERT_EQ(answer->rows.size(), num_rows);
      const float expected =
          static_cast<float>(large ? 31 * 123 : 123 * static_cast<int>(text.size()) + 1) / 100;
      for (const EncodedRow& row : answer->rows) EXPECT_EQ(row.result.logits.at(1), expected);
      ++answered_;
    } else {
      EXPECT_TRUE(absl::IsDeadlineExceeded(answer->status) || absl::IsCancelled(answer->status))
          << answer->status;
    }
  }

  TemporaryDirectory root_;
  FakeMetrics metrics_;
  ThreadPool threads_{1};
  ModelRepository::Options options_;
  BatchScheduler scheduler_{Clock::Real()};
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<Inference> inference_;
  std::atomic<int> answered_{0};
};

TEST_F(InferenceStressTest, SixtyFourClientsAndAModelThatComesAndGoes) {
  std::vector<std::thread> clients;
  for (uint32_t seed = 1; seed <= kClients; ++seed) {
    clients.emplace_back([this, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < kCallsPerClient; ++i) CallEncode(&random);
    });
  }
  std::atomic<bool> stop{false};
  std::thread operator_thread([this, &stop] {
    while (!stop) {
      EXPECT_EQ(repository_->Load("a"), absl::OkStatus());
      EXPECT_EQ(repository_->Unload("b"), absl::OkStatus());
      EXPECT_EQ(repository_->Load("b"), absl::OkStatus());
    }
  });
  for (std::thread& client : clients) client.join();
  stop = true;
  operator_thread.join();
  EXPECT_GT(answered_, 0);
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));

  // Every row was queued to run, or dropped for a reason; what ran was not padded.
  for (const char* name : {"a", "b"}) {
    const auto recorded = metrics_.Of(name, "sequence_classification")->Read();
    int64_t tasks = 0, tokens = 0;
    for (const int64_t batch : recorded.batch_tasks) tasks += batch;
    for (const int64_t batch : recorded.batch_tokens) tokens += batch;
    EXPECT_EQ(tasks, recorded.queued);
    EXPECT_EQ(tokens, recorded.input_tokens);
  }
}

}  // namespace
}  // namespace attentiond
