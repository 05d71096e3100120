// Inference::Encode(): rows through tokenizer, queue and model.
#include "server/inference/encode_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/inference/inference_fixture.h"

namespace attentiond {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::EncodeAnswer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EncodeRequestTest : public testing::InferenceFixture {};

// The fake tokenizer makes [CLS] (0), 3 + code point for each character, [SEP] (1); the fake
// classifier's logits are {0, sum of the ids / 100}.
TEST_F(EncodeRequestTest, TokenizesRunsAndAnswers) {
  Start();
  const auto [status, rows, timing] = Encode(Texts({"ab"}))->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_THAT(rows[0].encoding.ids, ElementsAre(0, 100, 101, 1));
  EXPECT_THAT(rows[0].encoding.offsets, SizeIs(4));
  EXPECT_THAT(rows[0].result.logits, ElementsAre(0.0f, 2.02f));
  EXPECT_EQ(timing.input_tokens, 4);
  EXPECT_EQ(timing.batches, 1);
}

TEST_F(EncodeRequestTest, RowsKeepTheirOrderWhateverTheirLengths) {
  Start();
  const auto [status, rows, timing] = Encode(Texts({"ccc", "", "a", "bb"}))->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  std::vector<float> logits;
  for (const EncodedRow& row : rows) logits.push_back(row.result.logits[1]);
  EXPECT_THAT(logits, ElementsAre(3.07f, 0.01f, 1.01f, 2.03f));
  EXPECT_THAT(runs(), ElementsAre(4));
  EXPECT_EQ(timing.input_tokens, 5 + 2 + 3 + 4);
}

TEST_F(EncodeRequestTest, TakesPairsAndIds) {
  Start();
  std::vector<EncodeInput> inputs(2);
  inputs[0].text = "a";
  inputs[0].text_pair = "b";
  inputs[1].ids = {5, 6, 7};
  inputs[1].type_ids = {0, 0, 1};
  const auto [status, rows, timing] = Encode(inputs)->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_THAT(rows[0].encoding.ids, ElementsAre(0, 100, 1, 101, 1));
  EXPECT_THAT(rows[1].encoding.ids, ElementsAre(5, 6, 7));
  EXPECT_THAT(rows[1].encoding.offsets, IsEmpty());
  EXPECT_FLOAT_EQ(rows[1].result.logits[1], 0.18f);
}

TEST_F(EncodeRequestTest, NoRowsAreAnsweredAtOnce) {
  Start();
  const auto answer = Encode({});
  EXPECT_EQ(answer->times(), 1);
  const auto [status, rows, timing] = answer->Wait();
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(rows, IsEmpty());
}

TEST_F(EncodeRequestTest, OtherModelsAreTheWrongTask) {
  Start();
  for (const char* model : {"attention", "layer"}) {
    const absl::Status status = EncodeStatus(Texts({"a"}), nullptr, model);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr(model));
  }
}

TEST_F(EncodeRequestTest, WithoutATokenizerOnlyIdsAreTaken) {
  Start();
  EXPECT_EQ(EncodeStatus(Texts({"a"}), nullptr, "untokenized").code(),
            absl::StatusCode::kFailedPrecondition);
  std::vector<EncodeInput> ids(1);
  ids[0].ids = {1, 2};
  EXPECT_EQ(EncodeStatus(ids, nullptr, "untokenized"), absl::OkStatus());
}

TEST_F(EncodeRequestTest, LimitsTheNumberOfRows) {
  inference_options_.max_rows_per_request = 2;
  Start();
  EXPECT_EQ(EncodeStatus(Texts({"a", "b"})), absl::OkStatus());
  const absl::Status status = EncodeStatus(Texts({"a", "b", "c"}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("3 rows"), HasSubstr("at most 2")));
}

TEST_F(EncodeRequestTest, LimitsTheBytesOfARow) {
  inference_options_.max_text_bytes = 3;
  Start();
  EXPECT_EQ(EncodeStatus(Texts({"abc"})), absl::OkStatus());
  std::vector<EncodeInput> inputs = Texts({"a", "ab"});
  inputs[1].text_pair = "cd";
  const absl::Status status = EncodeStatus(inputs);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("row 1: "), HasSubstr("4 bytes"), HasSubstr("at most 3")));
}

TEST_F(EncodeRequestTest, TooLongARowIsNamedWithBothLengths) {
  Start();
  const std::string text(31, 'x');
  const absl::Status status = EncodeStatus(Texts({"a", text}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("row 1: "), HasSubstr("33 tokens"), HasSubstr("32")));
  std::vector<EncodeInput> ids(1);
  ids[0].ids.assign(33, 7);
  EXPECT_THAT(std::string(EncodeStatus(ids).message()),
              AllOf(HasSubstr("row 0: "), HasSubstr("33"), HasSubstr("32")));
  EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(EncodeRequestTest, TruncatesWhenAsked) {
  encode_options_.truncate = true;
  Start();
  const auto [status, rows, timing] = Encode(Texts({std::string(100, 'x')}))->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_EQ(rows[0].encoding.size(), 32);
  EXPECT_EQ(rows[0].encoding.truncated_tokens, 70);
}

TEST_F(EncodeRequestTest, LengthsMayBeRefusedBeforeAnythingIsQueued) {
  std::vector<int64_t> seen;
  encode_options_.check_lengths = [&seen](absl::Span<const int64_t> row_tokens) {
    seen.assign(row_tokens.begin(), row_tokens.end());
    return absl::InvalidArgumentError("too much");
  };
  Start();
  EXPECT_EQ(EncodeStatus(Texts({"a", "bcd"})), absl::InvalidArgumentError("too much"));
  EXPECT_THAT(seen, ElementsAre(3, 5));
  EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(EncodeRequestTest, APassedDeadlineIsRefusedBeforeTokenizing) {
  Start();
  EXPECT_EQ(EncodeStatus(Texts({"a", "b"}), NewCall(clock_.Now())).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(runs(), IsEmpty());
  const auto recorded = MetricsOf("classifier")->Read();
  EXPECT_EQ(recorded.dropped.at(DropReason::kDeadlineBeforeQueue), 2);
  EXPECT_EQ(recorded.tokenizations, 0);
}

TEST_F(EncodeRequestTest, ADeadlineThatPassesWhileWaitingNeverReachesCompute) {
  Start();
  HoldExecutor();
  auto late = Encode(Texts({"a", "b"}), NewCall(clock_.Now() + absl::Seconds(1)));
  clock_.Advance(absl::Seconds(1));
  gate_.Open();
  EXPECT_EQ(std::get<0>(late->Wait()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  EXPECT_THAT(runs(), ElementsAre(1));  // that of HoldExecutor()
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kDeadlineInQueue), 2);
}

TEST_F(EncodeRequestTest, ACancelledCallIsDroppedWhenTheBatchIsFormed) {
  Start();
  HoldExecutor();
  const auto call = NewCall();
  auto cancelled = Encode(Texts({"a", "b"}), call);
  auto kept = Encode(Texts({"c"}));
  call->cancelled = true;
  gate_.Open();
  EXPECT_EQ(std::get<0>(cancelled->Wait()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(std::get<0>(kept->Wait()), absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(1, 1));
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kCancelled), 2);
}

TEST_F(EncodeRequestTest, ACallThatWasCancelledBeforeIsNotTokenized) {
  Start();
  const auto call = NewCall();
  call->cancelled = true;
  EXPECT_EQ(EncodeStatus(Texts({"a"}), call).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(MetricsOf("classifier")->Read().tokenizations, 0);
}

TEST_F(EncodeRequestTest, AFullQueueRefusesTheWholeRequest) {
  options_.batching.max_queue_requests = 2;
  Start();
  auto held = HoldExecutor();
  auto waiting = Encode(Texts({"a"}));
  const auto refused = Encode(Texts({"b", "c"}));
  EXPECT_EQ(refused->times(), 1);
  EXPECT_EQ(std::get<0>(refused->Wait()).code(), absl::StatusCode::kResourceExhausted);
  gate_.Open();
  EXPECT_EQ(std::get<0>(waiting->Wait()), absl::OkStatus());
  EXPECT_EQ(std::get<0>(held->Wait()), absl::OkStatus());
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kQueueFull), 2);
}

TEST_F(EncodeRequestTest, RowsOfOneRequestMayRunInSeveralBatches) {
  options_.batching.max_batch_requests = 2;
  Start();
  SetComputeTime(absl::Seconds(1));
  const auto [status, rows, timing] = Encode(Texts({"a", "b", "c", "d", "e"}))->Wait();
  ASSERT_EQ(status, absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(2, 2, 1));
  EXPECT_THAT(rows[4].result.logits, ElementsAre(0.0f, 1.05f));
  EXPECT_EQ(timing.batches, 3);
  EXPECT_EQ(timing.compute, absl::Seconds(3));
  EXPECT_EQ(timing.queue, absl::Seconds(2));  // the last row's
}

TEST_F(EncodeRequestTest, ALargeRequestSharesItsBatchesWithASmallOne) {
  options_.batching.max_batch_requests = 4;
  Start();
  auto held = HoldExecutor();
  auto large = Encode(Texts(std::vector<absl::string_view>(100, "x")));
  auto small = Encode(Texts({"y"}));
  gate_.Open();
  const auto [status, rows, timing] = small->Wait();
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(std::get<2>(large->Wait()).batches, 26);  // 3 rows beside the small one, 97 by fours
  EXPECT_EQ(MetricsOf("classifier")->Read().batch_tasks[1], 4);
}

// A row's failure ends the request; what is left of it is not computed.
TEST_F(EncodeRequestTest, TheFirstFailureEndsTheRequest) {
  options_.batching.max_batch_requests = 1;
  Start();
  FailRuns(absl::InternalError("kernel"));
  const auto answer = Encode(Texts({"a", "b", "c"}));
  const auto [status, rows, timing] = answer->Wait();
  EXPECT_EQ(status, absl::InternalError("kernel"));
  EXPECT_THAT(rows, IsEmpty());
  EXPECT_TRUE(scheduler_.Drain(absl::InfiniteFuture()));
  EXPECT_THAT(runs(), ElementsAre(1));
  EXPECT_EQ(answer->times(), 1);
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kCancelled), 2);

  FailRuns(absl::OkStatus());
  EXPECT_EQ(EncodeStatus(Texts({"a"})), absl::OkStatus()) << "the queue must go on serving";
}

TEST_F(EncodeRequestTest, AFailedBatchFailsEachOfItsRequests) {
  Start();
  auto held = HoldExecutor();
  auto first = Encode(Texts({"a", "b"}));
  auto second = Encode(Texts({"c"}));
  FailRuns(absl::ResourceExhaustedError("no memory"));
  gate_.Open();
  EXPECT_EQ(std::get<0>(first->Wait()).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::get<0>(second->Wait()).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::get<0>(held->Wait()), absl::OkStatus());
}

TEST_F(EncodeRequestTest, ResultsDoNotDependOnTheBatch) {
  Start();
  const auto alone = std::get<1>(Encode(Texts({"alone"}))->Wait());
  auto held = HoldExecutor();
  std::vector<std::shared_ptr<EncodeAnswer>> mixed;
  for (int i = 0; i < 10; ++i) {
    mixed.push_back(Encode(Texts({std::string(static_cast<size_t>(i), 'z'), "alone"})));
  }
  gate_.Open();
  for (const auto& answer : mixed) {
    const auto rows = std::get<1>(answer->Wait());
    EXPECT_EQ(rows[1].result.logits, alone[0].result.logits);
    EXPECT_EQ(rows[1].encoding.ids, alone[0].encoding.ids);
  }
}

TEST_F(EncodeRequestTest, CountsTokensAndExecutions) {
  Start();
  auto held = HoldExecutor();  // "hold": 6 tokens
  auto first = Encode(Texts({"a", "bb"}));
  auto second = Encode(Texts({"ccc"}));
  gate_.Open();
  first->Wait();
  second->Wait();
  const auto recorded = MetricsOf("classifier")->Read();
  EXPECT_THAT(recorded.batch_tasks, ElementsAre(1, 3));
  EXPECT_THAT(recorded.batch_tokens, ElementsAre(6, 3 + 4 + 5));  // nothing is padded
  EXPECT_EQ(recorded.input_tokens, 18);
  EXPECT_EQ(recorded.queued, 4);
  EXPECT_EQ(recorded.tokenizations, 3);
  EXPECT_EQ(Model("classifier")->statistics->Read().execution_count, 2u);
}

TEST_F(EncodeRequestTest, UnloadingFinishesAcceptedRequests) {
  Start();
  auto running = HoldExecutor();
  auto waiting = Encode(Texts({"a"}));
  ASSERT_EQ(repository_->Unload("classifier"), absl::OkStatus());
  gate_.Open();
  EXPECT_EQ(std::get<0>(running->Wait()), absl::OkStatus());
  EXPECT_EQ(std::get<0>(waiting->Wait()), absl::OkStatus());
}

TEST_F(EncodeRequestTest, AClosedQueueIsUnavailable) {
  Start();
  const auto model = Model("classifier");
  model->queue->Close();
  EXPECT_EQ(EncodeStatus(Texts({"a"})).code(), absl::StatusCode::kUnavailable);
}

// More than 4 KiB of text is tokenized by another thread, which may be busy: check_lengths, which
// that thread calls, holds it.
class LargeEncodeRequestTest : public EncodeRequestTest {
 protected:
  LargeEncodeRequestTest() {
    inference_options_.max_waiting_tokenizations = 1;
    encode_options_.truncate = true;
    encode_options_.check_lengths = [this](absl::Span<const int64_t>) {
      tokenizer_gate_.Pass();
      return absl::OkStatus();
    };
  }

  const std::string large_ = std::string(5000, 'x');
  testing::Gate tokenizer_gate_;
};

TEST_F(LargeEncodeRequestTest, IsTokenizedWithoutBlockingTheCaller) {
  Start();
  tokenizer_gate_.Close();
  auto answer = Encode(Texts({large_}));  // returns, although the tokenizer thread is held
  tokenizer_gate_.WaitForArrivals(1);
  EXPECT_EQ(answer->times(), 0);
  tokenizer_gate_.Open();
  EXPECT_EQ(std::get<0>(answer->Wait()), absl::OkStatus());
}

TEST_F(LargeEncodeRequestTest, IsRefusedWhenTooManyWait) {
  Start();
  tokenizer_gate_.Close();
  auto first = Encode(Texts({large_}));
  tokenizer_gate_.WaitForArrivals(1);
  auto second = Encode(Texts({large_}));
  EXPECT_EQ(EncodeStatus(Texts({large_})).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetricsOf("classifier")->Read().dropped.at(DropReason::kQueueFull), 1);
  tokenizer_gate_.Open();
  EXPECT_EQ(std::get<0>(first->Wait()), absl::OkStatus());
  EXPECT_EQ(std::get<0>(second->Wait()), absl::OkStatus());
}

TEST_F(LargeEncodeRequestTest, ADeadlineMayPassWhileItWaitsForATokenizer) {
  Start();
  tokenizer_gate_.Close();
  auto first = Encode(Texts({large_}));
  tokenizer_gate_.WaitForArrivals(1);
  auto late = Encode(Texts({large_}), NewCall(clock_.Now() + absl::Seconds(1)));
  clock_.Advance(absl::Seconds(2));
  tokenizer_gate_.Open();
  EXPECT_EQ(std::get<0>(late->Wait()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::get<2>(first->Wait()).tokenize, absl::Seconds(0));
}

TEST_F(LargeEncodeRequestTest, ShuttingDownEndsWhatWaitsForATokenizer) {
  Start();
  tokenizer_gate_.Close();
  auto first = Encode(Texts({large_}));
  tokenizer_gate_.WaitForArrivals(1);
  auto second = Encode(Texts({large_}));
  std::thread opener([this] { tokenizer_gate_.Open(); });
  inference_.reset();
  opener.join();
  EXPECT_EQ(std::get<0>(first->Wait()), absl::OkStatus());
  // It may have been taken by the thread before the end began.
  const absl::Status status = std::get<0>(second->Wait());
  EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace attentiond
