#include "core/ops/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/onednn/context.h"
#include "core/onednn/isa.h"
#include "core/ops/workspace.h"
#include "core/tensor/element.h"
#include "tests/testing/attention_problem.h"

namespace attentiond {
namespace {

using testing::AttentionProblem;
using testing::AttentionResults;
using testing::AttentionShape;
using testing::OneSequence;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Parameter: the type of the operands.
class AttentionTest : public ::testing::TestWithParam<DType> {
 protected:
  void Check(AttentionShape shape) {
    shape.dtype = GetParam();
    const AttentionProblem problem(shape);
    problem.Check(problem.Run(context_));
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(AttentionTest, HeadSizes) {
  for (const int64_t head_dim : {1, 2, 8, 16, 17, 33, 40, 64, 80, 96, 128, 192, 256}) {
    Check(OneSequence(33, 65, head_dim));
  }
}

TEST_P(AttentionTest, ValueSizes) {
  for (const int64_t value_dim : {1, 5, 31, 32, 200}) {
    AttentionShape shape = OneSequence(20, 70);
    shape.value_dim = value_dim;
    Check(shape);
  }
}

TEST_P(AttentionTest, Lengths) {
  for (const int64_t queries : {1, 2, 31, 32, 33, 65}) {
    for (const int64_t keys : {1, 2, 31, 32, 33, 63, 64, 65, 127, 255, 256, 257, 300}) {
      Check(OneSequence(queries, keys, 16));
    }
  }
}

TEST_P(AttentionTest, LongSequence) {
  AttentionShape shape = OneSequence(1000, 1000, 32);
  shape.causal = true;
  Check(shape);
}

TEST_P(AttentionTest, Groups) {
  for (const int64_t group : {1, 2, 3, 4, 8, 40}) {
    AttentionShape shape = OneSequence(19, 45, 40);
    shape.heads = 2 * group;
    shape.kv_heads = 2;
    Check(shape);
    shape.causal = true;
    Check(shape);
  }
}

TEST_P(AttentionTest, EachOption) {
  for (const auto& [queries, keys] :
       {std::pair<int64_t, int64_t>(40, 40), {13, 300}, {70, 20}, {300, 290}}) {
    AttentionShape plain = OneSequence(queries, keys, 24);
    plain.heads = 2;
    plain.queries = {queries, queries};
    plain.keys = {keys, keys};
    std::vector<AttentionShape> shapes(10, plain);
    shapes[0].causal = true;
    shapes[1].window = 7;
    shapes[2].softcap = 0.5;
    shapes[3].scale = -0.7;
    shapes[4].bias = true;
    shapes[5].shared_bias = true;
    shapes[6].mask = true;
    shapes[7].query_mask = true;
    shapes[8].valid_kv = true;
    shapes[9].scale = 0;
    for (const AttentionShape& shape : shapes) Check(shape);
  }
}

TEST_P(AttentionTest, OptionsTogether) {
  AttentionShape shape = OneSequence(37, 290, 48);
  shape.heads = 6;
  shape.kv_heads = 2;
  shape.queries = {37, 37, 37};
  shape.keys = {290, 290, 290};
  shape.causal = shape.bias = shape.mask = shape.valid_kv = true;
  shape.window = 100;
  shape.softcap = 2;
  shape.scale = 0.3;
  Check(shape);
  shape.window = std::numeric_limits<int64_t>::max();
  Check(shape);
  shape.window = 1;
  Check(shape);
}

TEST_P(AttentionTest, RaggedSequences) {
  AttentionShape shape;
  shape.ragged = true;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = shape.value_dim = 32;
  shape.queries = {5, 0, 64, 1, 33, 7, 0};
  shape.keys = {5, 3, 64, 300, 0, 9, 0};
  Check(shape);
  shape.causal = shape.valid_kv = true;
  Check(shape);
}

// Up to four rows are computed without packing anything, the keys in chunks of 1024 that are
// merged.
TEST_P(AttentionTest, FewQueriesOverManyKeys) {
  for (const int64_t keys : {3, 255, 257, 1023, 1024, 1025, 2500}) {
    for (const int64_t queries : {1, 2, 4}) {
      AttentionShape shape = OneSequence(queries, keys, 40);
      shape.dtype = GetParam();
      const AttentionProblem problem(shape);
      EXPECT_STREQ(AttentionKernelName(problem.args()),
                   onednn::HasMicroKernels(DType::kF32) ? "few_queries" : "reference");
      problem.CheckOutput(problem.RunOutputOnly(context_).output);
    }
  }
}

TEST_P(AttentionTest, EachOptionOfFewQueries) {
  AttentionShape plain = OneSequence(2, 2300, 72);
  plain.dtype = GetParam();
  plain.queries = {2, 2, 2};
  plain.keys = {2300, 2300, 2300};
  plain.heads = 4;
  plain.kv_heads = 2;
  std::vector<AttentionShape> shapes(12, plain);
  shapes[0].causal = true;
  shapes[1].window = 7;
  shapes[2].window = 1500;
  shapes[3].softcap = 0.5;
  shapes[4].scale = -0.7;
  shapes[5].bias = true;
  shapes[6].shared_bias = true;
  shapes[7].mask = true;
  shapes[8].query_mask = true;
  shapes[9].valid_kv = true;
  shapes[10].value_dim = 130;
  shapes[11].head_dim = 3;
  for (const AttentionShape& shape : shapes) {
    const AttentionProblem problem(shape);
    problem.Check(problem.Run(context_));
    problem.CheckOutput(problem.RunOutputOnly(context_).output);
  }
}

// Without weights and log-sum-exp, bf16 exponentials need not be exact.
TEST_P(AttentionTest, OutputAlone) {
  for (const int64_t keys : {1, 32, 100, 256, 257, 600}) {
    AttentionShape shape = OneSequence(50, keys);
    shape.dtype = GetParam();
    for (const bool causal : {false, true}) {
      shape.causal = causal;
      const AttentionProblem problem(shape);
      problem.CheckOutput(problem.RunOutputOnly(context_).output);
    }
  }
}

// What a sequence becomes must not depend on what it is batched with, nor on threads: same bits.
TEST_P(AttentionTest, ASequenceDoesNotDependOnTheOthers) {
  AttentionShape shape;
  shape.ragged = true;
  shape.dtype = GetParam();
  shape.heads = shape.kv_heads = 3;
  shape.queries = shape.keys = {17, 200, 33, 1, 90, 128};
  const AttentionProblem together(shape);
  const AttentionResults expected = together.RunOutputOnly(context_);
  ThreadPool one_thread(1);
  ExecutionContext other_context(&one_thread);
  EXPECT_EQ(together.Run(other_context).output, together.Run(context_).output);
  EXPECT_EQ(together.RunOutputOnly(other_context).output, expected.output);
  // The second sequence alone: the same data, from a slice of the cumulative lengths.
  AttentionResults alone = together.Collect([&](AttentionArgs args, AttentionOutputs outputs) {
    const std::vector<int64_t> lengths = {0, 200};
    const auto skip = [&](auto& operand) {
      operand.data = static_cast<const char*>(operand.data) +
                     17 * operand.token_stride * static_cast<int64_t>(ByteSize(args.dtype));
    };
    skip(args.query);
    skip(args.key);
    skip(args.value);
    outputs.output.data =
        static_cast<char*>(outputs.output.data) +
        17 * outputs.output.token_stride * static_cast<int64_t>(ByteSize(args.dtype));
    args.batch = 1;
    args.query_lengths.cumulative = args.kv_lengths.cumulative = lengths;
    outputs.weights = nullptr;
    outputs.weights_offsets = {};
    outputs.lse = nullptr;
    EXPECT_TRUE(Attention(args, outputs, context_).ok());
  });
  const auto begin = 17 * 3 * 64, size = 200 * 3 * 64;
  EXPECT_EQ(
      std::vector<float>(alone.output.begin() + begin, alone.output.begin() + begin + size),
      std::vector<float>(expected.output.begin() + begin, expected.output.begin() + begin + size));
}

TEST_P(AttentionTest, RepeatedShapesMakeNoKernelsAndNoScratch) {
  const AttentionProblem problem([] {
    AttentionShape shape = OneSequence(50, 300);
    shape.dtype = GetParam();
    return shape;
  }());
  const AttentionResults first = problem.Run(context_);
  const auto misses = context_.onednn().kernels().statistics().misses;
  const size_t bytes = context_.workspace().total_bytes();
  EXPECT_EQ(problem.Run(context_).output, first.output);
  EXPECT_EQ(context_.onednn().kernels().statistics().misses, misses);
  EXPECT_EQ(context_.workspace().total_bytes(), bytes);
}

INSTANTIATE_TEST_SUITE_P(DTypes, AttentionTest,
                         ::testing::Values(DType::kF32, DType::kBF16, DType::kF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

class AttentionF32Test : public ::testing::Test {
 protected:
  // A call of 40 queries and 40 keys of one head of 64 channels.
  AttentionF32Test() {
    args_.batch = args_.num_heads = args_.num_kv_heads = 1;
    args_.head_dim = args_.value_dim = 64;
    args_.query_lengths.dense_length = args_.kv_lengths.dense_length = 40;
    args_.query = {query_.data(), 0, 0, 64};
    args_.key = {key_.data(), 0, 0, 64};
    args_.value = {value_.data(), 0, 0, 64};
    outputs_.output = {output_.data(), 0, 0, 64};
    outputs_.lse = lse_.data();
  }
  std::string Message() {
    const absl::Status status = Attention(args_, outputs_, context_);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(output_, ::testing::Each(-7)) << "an invalid call must not write";
    return std::string(status.message());
  }

  std::vector<float> query_ = std::vector<float>(40 * 64, 1), key_ = query_, value_ = query_;
  std::vector<float> output_ = std::vector<float>(40 * 64, -7), lse_ = std::vector<float>(40, -7);
  AttentionArgs args_;
  AttentionOutputs outputs_;
  ThreadPool threads_{1};
  ExecutionContext context_{&threads_};
};

// Scores of hundreds have errors of 1e-4 in f32, and so would probabilities near a tie.
TEST_F(AttentionF32Test, LargeScoresKeepTheirPrecision) {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  for (auto* operand : {&query_, &key_, &value_}) {
    for (float& value : *operand) value = 20 * normal(engine);
  }
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  const std::vector<float> actual = output_;
  reference::Attention(args_, outputs_);
  // Values are up to 80; what is left are the roundings of an f32 softmax of small scores.
  testing::ExpectWithin(actual, output_, [](size_t) { return 80 * 16 * 0x1p-24; });
}

// f32 products overflow to infinity, and infinities of both signs to NaN: those rows are computed
// in double.
TEST_F(AttentionF32Test, ProductsBeyondF32AreStillRight) {
  for (size_t i = 0; i < query_.size(); ++i) {
    query_[i] = i % 2 == 0 ? 3e30f : -3e30f;
    key_[i] = i / 64 == 5 ? query_[i] : 1e20f;  // key 5 is far ahead; the others cancel out
    value_[i] = static_cast<float>(i / 64);
  }
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  EXPECT_THAT(output_, ::testing::Each(5));
  EXPECT_THAT(lse_, ::testing::Each(kInfinity));  // 64 * 9e60 / 8 is beyond f32
}

TEST_F(AttentionF32Test, ValuesNearTheLimitOfF32) {
  std::fill(value_.begin(), value_.end(), std::numeric_limits<float>::max());
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  for (const float value : output_) {
    EXPECT_NEAR(value / std::numeric_limits<float>::max(), 1, 1e-6);
  }
}

TEST_F(AttentionF32Test, NaNReachesOnlyWhatSeesIt) {
  args_.causal = true;
  key_[20 * 64] = NAN;
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  for (size_t i = 0; i < output_.size(); ++i) {
    EXPECT_EQ(std::isnan(output_[i]), i / 64 >= 20) << i;
  }
}

TEST_F(AttentionF32Test, OneTokenOfOneChannel) {
  args_.query_lengths.dense_length = args_.kv_lengths.dense_length = 1;
  args_.head_dim = args_.value_dim = 1;
  value_[0] = 42;
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  EXPECT_EQ(output_[0], 42);
  EXPECT_EQ(lse_[0], 1);
}

TEST_F(AttentionF32Test, NothingToDo) {
  args_.batch = 0;
  EXPECT_TRUE(Attention(args_, outputs_, context_).ok());
  args_.batch = 1;
  args_.query_lengths.dense_length = 0;
  args_.query.data = args_.key.data = args_.value.data = nullptr;
  EXPECT_TRUE(Attention(args_, outputs_, context_).ok());
  EXPECT_THAT(output_, ::testing::Each(-7));
}

TEST_F(AttentionF32Test, TooManyKeysForTheScratchMemory) {
  // A stride of 0 makes a long sequence of one token.
  args_.key.token_stride = args_.value.token_stride = 0;
  args_.kv_lengths.dense_length = int64_t{1} << 40;
  const absl::Status status = Attention(args_, outputs_, context_);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              ::testing::StartsWith("attention: a sequence has 1099511627776 keys; "));
}

TEST_F(AttentionF32Test, HeadSizesBeyondTheKernelsRunOnTheReference) {
  args_.query_lengths.dense_length = args_.kv_lengths.dense_length = 2;
  args_.head_dim = 1000 * 1000;
  args_.query.token_stride = args_.key.token_stride = 0;
  const std::vector<float> long_row(1000 * 1000, 0.5f);
  args_.query.data = args_.key.data = long_row.data();
  EXPECT_STREQ(AttentionKernelName(args_), "reference");
  ASSERT_TRUE(Attention(args_, outputs_, context_).ok());
  EXPECT_EQ(output_[0], 1);
}

TEST_F(AttentionF32Test, KernelNames) {
  const bool f32 = onednn::HasMicroKernels(DType::kF32),
             bf16 = onednn::HasMicroKernels(DType::kBF16);
  EXPECT_STREQ(AttentionKernelName(args_), f32 ? "brgemm_f32" : "reference");
  args_.dtype = DType::kF16;
  EXPECT_STREQ(AttentionKernelName(args_), f32 ? "brgemm_f32" : "reference");
  args_.dtype = DType::kBF16;
  const char* const half = onednn::HasMatrixTiles() ? "amx_bf16"
                           : bf16                   ? "brgemm_bf16"
                           : f32                    ? "brgemm_f32"
                                                    : "reference";
  EXPECT_STREQ(AttentionKernelName(args_), half);
  args_.softcap = 1;
  EXPECT_STREQ(AttentionKernelName(args_), bf16 ? "brgemm_bf16" : f32 ? "brgemm_f32" : "reference");
  args_.query_lengths.dense_length = args_.kv_lengths.dense_length = 1;
  EXPECT_STREQ(AttentionKernelName(args_), f32 ? "few_queries" : "reference");
}

TEST_F(AttentionF32Test, InvalidArgumentsAreNamed) {
  const AttentionArgs good = args_;
  const std::vector<int64_t> starts = {0, 50, 40}, late = {1, 2}, one = {41};
  const auto message = [&](auto&& change) {
    args_ = good;
    change();
    return Message();
  };
  EXPECT_EQ(message([&] { args_.batch = -1; }), "attention: batch is -1, required: at least 0");
  EXPECT_EQ(message([&] { args_.num_kv_heads = 0; }),
            "attention: num_kv_heads is 0, required: at least 1");
  EXPECT_EQ(message([&] {
              args_.num_heads = 3;
              args_.num_kv_heads = 2;
            }),
            "attention: num_heads is 3, required: a positive multiple of num_kv_heads, 2");
  EXPECT_EQ(message([&] { args_.head_dim = 0; }), "attention: head_dim is 0, required: at least 1");
  EXPECT_EQ(message([&] { args_.value_dim = 0; }),
            "attention: value_dim is 0, required: at least 1");
  EXPECT_EQ(message([&] { args_.dtype = DType::kF64; }),
            "attention: dtype is f64, required: f32, bf16 or f16");
  EXPECT_EQ(message([&] { args_.query_lengths.dense_length = -1; }),
            "attention: query_lengths is -1, required: at least 0");
  EXPECT_EQ(message([&] { args_.kv_lengths.cumulative = starts; }),
            "attention: kv_lengths.cumulative's size is 3, required: batch + 1, 2");
  EXPECT_EQ(message([&] { args_.kv_lengths.cumulative = late; }),
            "attention: kv_lengths.cumulative[0] is 1, required: 0");
  EXPECT_EQ(message([&] {
              args_.batch = 2;
              args_.kv_lengths.cumulative = starts;
            }),
            "attention: kv_lengths of sequence 1 is -10, required: at least 0");
  EXPECT_EQ(message([&] { args_.scale = NAN; }), "attention: scale is nan, required: finite");
  EXPECT_EQ(message([&] { args_.window = 0; }), "attention: window is 0, required: at least 1");
  EXPECT_EQ(message([&] { args_.softcap = 0; }),
            "attention: softcap is 0, required: finite and above 0");
  EXPECT_EQ(message([&] { args_.valid_kv = late; }),
            "attention: valid_kv's size is 2, required: batch, 1, or 0");
  EXPECT_EQ(message([&] { args_.valid_kv = one; }),
            "attention: valid_kv[0] is 41, required: between 0 and the number of keys, 40");
  EXPECT_EQ(message([&] { args_.query.data = nullptr; }),
            "attention: query is null, required: data");
  EXPECT_EQ(message([&] { args_.key.data = nullptr; }), "attention: key is null, required: data");
  EXPECT_EQ(message([&] { args_.value.data = nullptr; }),
            "attention: value is null, required: data");
  EXPECT_EQ(message([&] { outputs_.weights_offsets = late; }),
            "attention: weights_offsets' size is 2, required: batch, 1, or 0");
}

}  // namespace
}  // namespace attentiond
