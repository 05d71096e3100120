#include "core/engine/precision.h"

#include <gtest/gtest.h>

#include "tests/testing/checkpoint_builder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::TemporaryDirectory;
using Precision = LoadOptions::Precision;

class PrecisionTest : public ::testing::Test {
 protected:
  static void ExpectBoth(const LinearTypes& types, DType expected) {
    EXPECT_EQ(types.activations, expected);
    EXPECT_EQ(types.weights, expected);
  }

  // A checkpoint with a matrix and a vector of these types.
  LinearTypes Choose(DType matrix, DType vector, Precision precision, bool has_bf16,
                     int64_t rows = 2) {
    CheckpointBuilder builder(nlohmann::json::object(), matrix);
    CheckpointBuilder others(nlohmann::json::object(), vector);
    builder.AddRandom("matrix", {rows, 2}, 1);
    others.AddRandom("vector", {2}, 1);
    builder.tensors.merge(others.tensors);
    const TemporaryDirectory directory;
    builder.WriteTo(directory);
    const auto checkpoint = Checkpoint::Open(directory.path());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return ComputeTypes(precision, **checkpoint, has_bf16);
  }
};

TEST_F(PrecisionTest, AutoTakesBFloat16ForMatricesOf16BitsWhereItIsFast) {
  for (const DType half : {DType::kBF16, DType::kF16}) {
    ExpectBoth(Choose(half, DType::kF32, Precision::kAuto, true), DType::kBF16);
    ExpectBoth(Choose(half, DType::kF32, Precision::kAuto, false), DType::kF32);
  }
  ExpectBoth(Choose(DType::kF32, DType::kBF16, Precision::kAuto, true), DType::kF32);
}

TEST_F(PrecisionTest, AutoTakesBFloat16ForLargeMatrices) {
  constexpr int64_t kRows = (16 << 20) / (2 * sizeof(float));
  ExpectBoth(Choose(DType::kF32, DType::kF32, Precision::kAuto, true, kRows), DType::kBF16);
  ExpectBoth(Choose(DType::kF32, DType::kF32, Precision::kAuto, false, kRows), DType::kF32);
  ExpectBoth(Choose(DType::kF32, DType::kF32, Precision::kAuto, true, kRows - 1), DType::kF32);
}

TEST_F(PrecisionTest, DoesAsItIsTold) {
  ExpectBoth(Choose(DType::kBF16, DType::kBF16, Precision::kF32, true), DType::kF32);
  ExpectBoth(Choose(DType::kF32, DType::kF32, Precision::kBF16, false), DType::kBF16);
}

TEST_F(PrecisionTest, Int8IsOfTheWeightsAlone) {
  for (const bool has_bf16 : {false, true}) {
    const LinearTypes types = Choose(DType::kBF16, DType::kF32, Precision::kInt8, has_bf16);
    EXPECT_EQ(types.weights, DType::kI8);
    EXPECT_EQ(types.activations, has_bf16 ? DType::kBF16 : DType::kF32);
  }
}

TEST(CheckPrecisionTest, SaysWhatTheProcessorLacks) {
  const auto check = [](Precision precision, bool has_bf16, bool has_int8) {
    return CheckPrecision(precision, {.isa = "old",
                                      .onednn_version = "",
                                      .has_bf16 = has_bf16,
                                      .has_int8 = has_int8,
                                      .kernels = {}});
  };
  for (const Precision precision : {Precision::kAuto, Precision::kF32}) {
    EXPECT_TRUE(check(precision, false, false).ok());
  }
  EXPECT_TRUE(check(Precision::kBF16, true, false).ok());
  EXPECT_TRUE(check(Precision::kInt8, false, true).ok());
  EXPECT_EQ(check(Precision::kBF16, false, true),
            absl::UnimplementedError("this processor (old) does not multiply bf16; use f32"));
  EXPECT_EQ(check(Precision::kInt8, false, false),
            absl::UnimplementedError("this processor (old) does not multiply int8, which takes "
                                     "VNNI or AMX; use f32"));
  EXPECT_EQ(check(Precision::kInt8, true, false),
            absl::UnimplementedError("this processor (old) does not multiply int8, which takes "
                                     "VNNI or AMX; use bf16 or f32"));
}

TEST_F(PrecisionTest, CountsWhatTheWeightsTake) {
  CheckpointBuilder builder(nlohmann::json::object(), DType::kBF16);
  builder.AddRandom("matrix", {30, 20}, 1);
  builder.AddRandom("vector", {7}, 2);
  const TemporaryDirectory directory;
  builder.WriteTo(directory);
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(WeightBytes(**checkpoint, DType::kF32), 600 * 4 + 7 * 4);
  EXPECT_EQ(WeightBytes(**checkpoint, DType::kBF16), 600 * 2 + 7 * 4);
  EXPECT_EQ(WeightBytes(**checkpoint, {DType::kBF16, DType::kI8}), 600 * 4 + 7 * 4)
      << "it is compared with itself in f32";
}

}  // namespace
}  // namespace attentiond
