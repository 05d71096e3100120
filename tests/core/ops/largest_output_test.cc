#include "core/ops/largest_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/onednn/isa.h"
#include "core/tensor/half.h"
#include "tests/testing/random_tensor.h"

namespace attentiond {
namespace {

using testing::RandomTensor;

constexpr int64_t kOutputs = 9001, kInputs = 256;

/// A layer, what searches it, and some rows.
class LargestOutputTest : public ::testing::Test {
 protected:
  LargestOutputTest()
      : weight_(RandomTensor(DType::kBF16, {kOutputs, kInputs}, 1)),
        bias_(RandomTensor(DType::kF32, {kOutputs}, 2)),
        x_(RandomTensor(DType::kBF16, {kRows, kInputs}, 3)),
        threads_(2),
        context_(&threads_) {}

  void SetUp() override {
    if (!onednn::HasMatrixTiles()) GTEST_SKIP() << "no matrix unit";
  }

  void Pack() {
    layer_ = Linear::Create(weight_.view(), bias_.view(), DType::kBF16);
    ASSERT_TRUE(layer_.ok()) << layer_.status();
    auto search = LargestOutputSearch::Create(weight_.view(), bias_.view(), *layer_);
    ASSERT_TRUE(search.ok()) << search.status();
    ASSERT_TRUE(search->has_value());
    search_ = *std::move(search);
  }

  const BFloat16* x(int64_t row) const { return x_.values<BFloat16>().data() + row * kInputs; }
  BFloat16* x(int64_t row) { return x_.values<BFloat16>().data() + row * kInputs; }
  BFloat16* weight(int64_t output) { return weight_.values<BFloat16>().data() + output * kInputs; }

  std::vector<LargestOutput> Find(int64_t first, int64_t rows, ExecutionContext& context,
                                  absl::Span<const int32_t> excluded = {}) {
    std::vector<LargestOutput> found(static_cast<size_t>(rows));
    for (LargestOutput& row : found) row.excluded = excluded;
    search_->Run(*layer_, x(first), kInputs, absl::MakeSpan(found), context);
    return found;
  }

  /// All outputs of a row, of weights packed so.
  std::vector<float> Outputs(int64_t row, DType weights = DType::kBF16) {
    auto layer = Linear::Create(weight_.view(), bias_.view(), LinearTypes(DType::kBF16, weights));
    EXPECT_TRUE(layer.ok()) << layer.status();
    std::vector<float> y(static_cast<size_t>(kOutputs));
    EXPECT_TRUE(layer
                    ->Run({.x = x(row),
                           .x_stride = kInputs,
                           .y = y.data(),
                           .y_stride = kOutputs,
                           .rows = 1,
                           .y_in_f32 = true},
                          context_)
                    .ok());
    return y;
  }

  static double LogSumExpOf(const std::vector<float>& values) {
    const double largest = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (const float value : values) sum += std::exp(double{value} - largest);
    return largest + std::log(sum);
  }

  /// That `found` is the largest of the row's outputs but for those excluded.
  void Check(int64_t row, const LargestOutput& found) {
    std::vector<float> outputs = Outputs(row);
    const std::vector<float> rough = Outputs(row, DType::kI8);
    // Each output counts as it is, or roughly: so the sum's logarithm is no further off than they.
    double most = 0;
    for (size_t o = 0; o < outputs.size(); ++o) {
      most = std::max(most, std::abs(double{outputs[o]} - double{rough[o]}));
    }
    EXPECT_NEAR(found.log_sum_exp, LogSumExpOf(outputs), most + 1e-5);
    for (const int32_t output : found.excluded) {
      outputs[static_cast<size_t>(output)] = -std::numeric_limits<float>::infinity();
    }
    const auto largest = std::max_element(outputs.begin(), outputs.end());
    EXPECT_EQ(found.output, largest - outputs.begin());
    EXPECT_EQ(found.value, *largest);
  }

  static constexpr int64_t kRows = 37;
  Tensor weight_, bias_, x_;
  ThreadPool threads_;
  ExecutionContext context_;
  absl::StatusOr<Linear> layer_ = absl::UnknownError("not packed");
  std::optional<LargestOutputSearch> search_;
};

TEST_F(LargestOutputTest, IsTheLargestAsTheLayerHasIt) {
  Pack();
  const std::vector<LargestOutput> found = Find(0, kRows, context_);
  for (int64_t row = 0; row < kRows; ++row) Check(row, found[static_cast<size_t>(row)]);
}

TEST_F(LargestOutputTest, DoesNotDependOnOtherRowsNorThreads) {
  Pack();
  const std::vector<LargestOutput> together = Find(0, kRows, context_);
  ThreadPool one_thread(1);
  ExecutionContext alone(&one_thread);
  for (int64_t row = 0; row < kRows; ++row) {
    const LargestOutput single = Find(row, 1, alone)[0];
    const LargestOutput& expected = together[static_cast<size_t>(row)];
    EXPECT_EQ(single.output, expected.output);
    EXPECT_EQ(single.value, expected.value);
    EXPECT_EQ(single.log_sum_exp, expected.log_sum_exp);
  }
}

TEST_F(LargestOutputTest, LeavesOutWhatIsExcluded) {
  Pack();
  std::vector<int32_t> excluded;
  for (int round = 0; round < 5; ++round) {
    const LargestOutput found = Find(0, 1, context_, excluded)[0];
    Check(0, found);
    excluded.insert(std::lower_bound(excluded.begin(), excluded.end(), found.output), found.output);
  }
  std::vector<int32_t> all(static_cast<size_t>(kOutputs));
  for (size_t o = 0; o < all.size(); ++o) all[o] = static_cast<int32_t>(o);
  EXPECT_EQ(Find(0, 1, context_, all)[0].output, -1);
  const int32_t kept = all[4321];
  all.erase(all.begin() + 4321);
  EXPECT_EQ(Find(0, 1, context_, all)[0].output, kept);
}

TEST_F(LargestOutputTest, FindsItBesideOutliers) {
  // One input, and one weight of some outputs, so large that the integers say little of the rest.
  for (int64_t row = 0; row < 4; ++row) x(row)[row] = ToBFloat16(500);
  for (int64_t output = 0; output < kOutputs; output += 7) weight(output)[9] = ToBFloat16(-300);
  Pack();
  const std::vector<LargestOutput> found = Find(0, kRows, context_);
  for (int64_t row = 0; row < kRows; ++row) Check(row, found[static_cast<size_t>(row)]);
}

TEST_F(LargestOutputTest, OfEqualOnesFindsTheFirst) {
  for (const int64_t output : {8000, 777, 4100}) {
    std::memcpy(weight(output), x(0), kInputs * sizeof(BFloat16));
    bias_.values<float>()[static_cast<size_t>(output)] = 1;
  }
  Pack();
  const LargestOutput found = Find(0, 1, context_)[0];
  EXPECT_EQ(found.output, 777);
  Check(0, found);
  // An x of zeros: the biases alone, which are the same here.
  std::fill(bias_.values<float>().begin(), bias_.values<float>().end(), 0.25f);
  std::fill_n(x(1), kInputs, BFloat16{});
  Pack();
  const LargestOutput of_zeros = Find(1, 1, context_)[0];
  EXPECT_EQ(of_zeros.output, 0);
  EXPECT_EQ(of_zeros.value, 0.25f);
  EXPECT_NEAR(of_zeros.log_sum_exp, 0.25 + std::log(static_cast<double>(kOutputs)), 1e-5);
}

TEST_F(LargestOutputTest, TheSumOfAPeakIsExact) {
  // What has all but a millionth of the probability is computed as it is.
  for (int64_t i = 0; i < kInputs; ++i) weight(5000)[i] = ToBFloat16(ToFloat(x(0)[i]) / 2);
  Pack();
  const LargestOutput found = Find(0, 1, context_)[0];
  EXPECT_EQ(found.output, 5000);
  EXPECT_NEAR(found.log_sum_exp, LogSumExpOf(Outputs(0)), 1e-4);
}

TEST_F(LargestOutputTest, FindsNothingInARowThatIsNotANumber) {
  x(0)[5] = ToBFloat16(std::numeric_limits<float>::quiet_NaN());
  Pack();
  const std::vector<LargestOutput> found = Find(0, 2, context_);
  EXPECT_EQ(found[0].output, -1);
  Check(1, found[1]);
}

TEST(LargestOutputSearchTest, IsOnlyMadeWhereItHelps) {
  if (!onednn::HasMicroKernels(DType::kBF16)) GTEST_SKIP() << "no bf16 on this processor";
  const auto made = [](DType dtype, LinearTypes types, int64_t outputs, int64_t inputs) {
    const Tensor weight = RandomTensor(dtype, {outputs, inputs}, 1);
    const TensorView no_bias{nullptr, DType::kF32, Shape({0})};
    auto layer = Linear::Create(weight.view(), no_bias, types);
    EXPECT_TRUE(layer.ok()) << layer.status();
    auto search = LargestOutputSearch::Create(weight.view(), no_bias, *layer);
    EXPECT_TRUE(search.ok()) << search.status();
    return search->has_value();
  };
  EXPECT_EQ(made(DType::kF32, DType::kBF16, 8192, 256), onednn::HasMatrixTiles());
  EXPECT_FALSE(made(DType::kF32, DType::kF32, 8192, 256));
  EXPECT_FALSE(made(DType::kF32, LinearTypes(DType::kBF16, DType::kI8), 8192, 256));
  EXPECT_FALSE(made(DType::kBF16, DType::kBF16, 1000, 256));  // small
  EXPECT_FALSE(made(DType::kBF16, DType::kBF16, 8192, 260));  // not whole steps of the depth
}

}  // namespace
}  // namespace attentiond
