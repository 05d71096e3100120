// Inference::Attend() and Inference::RunAttentionLayer(): whole calls as tasks.
#include "server/inference/call_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/server/inference/inference_fixture.h"

namespace attentiond {
namespace {

using testing::CallAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CallTaskTest : public testing::InferenceFixture {
 protected:
  static DoneCallback Into(std::shared_ptr<CallAnswer> answer) {
    return [answer = std::move(answer)](absl::Status status, const CallTiming& timing) {
      answer->Set(std::move(status), timing);
    };
  }

  // Attention of one query over two keys of one channel.
  struct Problem {
    std::array<float, 1> query = {1};
    std::array<float, 2> key = {0, 0};
    std::array<float, 2> value = {2, 4};
    std::array<float, 1> output = {-1};

    AttendRequest Request() {
      AttendRequest request;
      AttentionArgs& args = request.args;
      args.batch = args.num_heads = args.num_kv_heads = args.head_dim = args.value_dim = 1;
      args.query_lengths.dense_length = 1;
      args.kv_lengths.dense_length = 2;
      args.query = {query.data(), 1, 1, 1};
      args.key = {key.data(), 2, 2, 1};
      args.value = {value.data(), 2, 2, 1};
      request.outputs.output = {output.data(), 1, 1, 1};
      request.tokens = 2;
      return request;
    }
  };
  std::shared_ptr<CallAnswer> Attend(const AttendRequest& request,
                                     std::shared_ptr<Call> call = nullptr,
                                     const std::string& model = "attention") {
    auto answer = std::make_shared<CallAnswer>();
    inference_->Attend(Model(model), call == nullptr ? NewCall() : call, request, Into(answer));
    return answer;
  }

  // The fake layer copies its query, of 4 channels.
  struct Layer {
    std::array<float, 8> query = {1, 2, 3, 4, 5, 6, 7, 8};
    std::array<float, 8> output = {};

    AttentionLayerCall Request() {
      AttentionLayerCall request;
      request.batch = 1;
      request.query_length = request.kv_length = 2;
      request.query = query.data();
      request.output = output.data();
      return request;
    }
  };
  std::shared_ptr<CallAnswer> RunLayer(const AttentionLayerCall& request,
                                       std::shared_ptr<Call> call = nullptr,
                                       const std::string& model = "layer") {
    auto answer = std::make_shared<CallAnswer>();
    inference_->RunAttentionLayer(Model(model), call == nullptr ? NewCall() : call, request,
                                  Into(answer));
    return answer;
  }
};

TEST_F(CallTaskTest, AttendsOverTheKeys) {
  Start();
  Problem problem;
  const auto [status, timing] = Attend(problem.Request())->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_FLOAT_EQ(problem.output[0], 3);  // equal scores: the mean of the values
  EXPECT_EQ(timing.input_tokens, 2);
  EXPECT_EQ(timing.batches, 1);
  EXPECT_EQ(MetricsOf("attention")->Read().input_tokens, 2);
  EXPECT_EQ(Model("attention")->statistics->Read().execution_count, 1u);
}

TEST_F(CallTaskTest, AnErrorOfTheOpIsTheAnswer) {
  Start();
  Problem problem;
  AttendRequest request = problem.Request();
  request.args.num_kv_heads = 0;
  const auto [status, timing] = Attend(request)->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(problem.output[0], -1);
  EXPECT_EQ(std::get<0>(Attend(problem.Request())->Wait()), absl::OkStatus());
}

TEST_F(CallTaskTest, OtherModelsAreTheWrongTask) {
  Start();
  Problem problem;
  Layer layer;
  EXPECT_EQ(std::get<0>(Attend(problem.Request(), nullptr, "classifier")->Wait()).code(),
            absl::StatusCode::kFailedPrecondition);
  for (const char* model : {"attention", "classifier"}) {
    EXPECT_EQ(std::get<0>(RunLayer(layer.Request(), nullptr, model)->Wait()).code(),
              absl::StatusCode::kFailedPrecondition);
  }
}

TEST_F(CallTaskTest, ACostBelowOneCountsAsOne) {
  Start();
  Problem problem;
  AttendRequest request = problem.Request();
  request.tokens = 0;
  EXPECT_EQ(std::get<1>(Attend(request)->Wait()).input_tokens, 1);
}

TEST_F(CallTaskTest, RunsALayer) {
  Start();
  Layer layer;
  const auto [status, timing] = RunLayer(layer.Request())->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_EQ(layer.output, layer.query);
  EXPECT_EQ(timing.input_tokens, 2);
}

TEST_F(CallTaskTest, ChecksWhatALayerIsAskedFor) {
  Start();
  Layer layer;
  const auto error = [&](auto change) {
    AttentionLayerCall request = layer.Request();
    change(&request);
    const absl::Status status = std::get<0>(RunLayer(request)->Wait());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  const std::vector<int64_t> two = {1, 1}, long_one = {3}, negative = {-1};
  EXPECT_THAT(error([](AttentionLayerCall* call) { call->batch = -1; }), HasSubstr("batch -1"));
  EXPECT_THAT(error([](AttentionLayerCall* call) { call->kv_length = -1; }),
              HasSubstr("key length -1"));
  EXPECT_THAT(error([&](AttentionLayerCall* call) { call->value = layer.query.data(); }),
              HasSubstr("value: given without key"));
  EXPECT_THAT(error([&](AttentionLayerCall* call) { call->kv_lengths = two; }),
              HasSubstr("2 values for a batch of 1"));
  EXPECT_THAT(error([&](AttentionLayerCall* call) { call->kv_lengths = long_one; }),
              HasSubstr("3, must be in [0, 2]"));
  EXPECT_THAT(error([&](AttentionLayerCall* call) { call->kv_lengths = negative; }),
              HasSubstr("-1, must be in"));
  EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(CallTaskTest, CallsThatWaitTogetherRunAsOneBatch) {
  Start();
  gate_.Close();
  std::vector<Layer> layers(4);
  std::vector<std::shared_ptr<CallAnswer>> answers;
  answers.push_back(RunLayer(layers[0].Request()));
  gate_.WaitForArrivals(1);
  for (size_t i = 1; i < layers.size(); ++i) answers.push_back(RunLayer(layers[i].Request()));
  gate_.Open();
  for (size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(std::get<0>(answers[i]->Wait()), absl::OkStatus());
    EXPECT_EQ(layers[i].output, layers[i].query);
  }
  EXPECT_THAT(MetricsOf("layer")->Read().batch_tasks, ElementsAre(1, 3));
  EXPECT_EQ(Model("layer")->statistics->Read().execution_count, 2u);
}

// One call's failure is its own.
TEST_F(CallTaskTest, AFailedCallDoesNotFailItsBatch) {
  Start();
  gate_.Close();
  Problem good, bad;
  Layer layer;
  auto held = RunLayer(layer.Request());
  gate_.WaitForArrivals(1);
  AttendRequest request = bad.Request();
  request.args.num_kv_heads = 0;
  auto failed = Attend(request);
  auto done = Attend(good.Request());
  gate_.Open();
  EXPECT_EQ(std::get<0>(failed->Wait()).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::get<0>(done->Wait()), absl::OkStatus());
  held->Wait();
}

TEST_F(CallTaskTest, TimesEachCallOfABatchAlone) {
  Start();
  gate_.Close();
  std::vector<Layer> layers(3);
  auto held = RunLayer(layers[0].Request());
  gate_.WaitForArrivals(1);
  auto first = RunLayer(layers[1].Request());
  auto second = RunLayer(layers[2].Request());
  SetComputeTime(absl::Seconds(2));
  gate_.Open();
  held->Wait();
  EXPECT_EQ(std::get<1>(first->Wait()).compute, absl::Seconds(2));
  EXPECT_EQ(std::get<1>(first->Wait()).queue, absl::ZeroDuration());
  EXPECT_EQ(std::get<1>(second->Wait()).compute, absl::Seconds(2));
  EXPECT_EQ(std::get<1>(second->Wait()).queue, absl::Seconds(2));  // behind the first
}

// The calls before it in the batch take until its deadline.
TEST_F(CallTaskTest, ADeadlineThatPassesWithinTheBatchNeverReachesCompute) {
  Start();
  gate_.Close();
  std::vector<Layer> layers(3);
  auto held = RunLayer(layers[0].Request());
  gate_.WaitForArrivals(1);
  auto first = RunLayer(layers[1].Request());
  auto late = RunLayer(layers[2].Request(), NewCall(clock_.Now() + absl::Seconds(1)));
  SetComputeTime(absl::Seconds(1));
  gate_.Open();
  held->Wait();
  EXPECT_EQ(std::get<0>(first->Wait()), absl::OkStatus());
  EXPECT_EQ(std::get<0>(late->Wait()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(runs(), ElementsAre(1, 1));
}

TEST_F(CallTaskTest, DropsWhatNobodyWaitsFor) {
  Start();
  Problem problem;
  const auto call = NewCall();
  call->cancelled = true;
  EXPECT_EQ(std::get<0>(Attend(problem.Request(), call)->Wait()).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(std::get<0>(Attend(problem.Request(), NewCall(clock_.Now()))->Wait()).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(problem.output[0], -1);
  const auto recorded = MetricsOf("attention")->Read();
  EXPECT_EQ(recorded.dropped.at(DropReason::kCancelled), 1);
  EXPECT_EQ(recorded.dropped.at(DropReason::kDeadlineBeforeQueue), 1);
}

TEST_F(CallTaskTest, AFullQueueRefuses) {
  options_.batching.max_queue_requests = 1;
  Start();
  gate_.Close();
  std::vector<Layer> layers(3);
  auto running = RunLayer(layers[0].Request());
  gate_.WaitForArrivals(1);
  auto waiting = RunLayer(layers[1].Request());
  EXPECT_EQ(std::get<0>(RunLayer(layers[2].Request())->Wait()).code(),
            absl::StatusCode::kResourceExhausted);
  gate_.Open();
  EXPECT_EQ(std::get<0>(running->Wait()), absl::OkStatus());
  EXPECT_EQ(std::get<0>(waiting->Wait()), absl::OkStatus());
}

// What `done` holds is the request's memory: it must be let go of once it was called.
TEST_F(CallTaskTest, DoneIsReleasedAfterTheAnswer) {
  Start();
  Problem problem;
  auto memory = std::make_shared<int>(0);
  auto answer = std::make_shared<CallAnswer>();
  inference_->Attend(Model("attention"), NewCall(), problem.Request(),
                     [memory, answer](absl::Status status, const CallTiming& timing) {
                       answer->Set(std::move(status), timing);
                     });
  EXPECT_EQ(std::get<0>(answer->Wait()), absl::OkStatus());
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  EXPECT_EQ(memory.use_count(), 1);
}

}  // namespace
}  // namespace attentiond
