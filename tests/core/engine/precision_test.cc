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
  // A checkpoint with a matrix and a vector of these types.
  DType Choose(DType matrix, DType vector, Precision precision, bool has_bf16) {
    CheckpointBuilder builder(nlohmann::json::object(), matrix);
    CheckpointBuilder others(nlohmann::json::object(), vector);
    builder.AddRandom("matrix", {2, 2}, 1);
    others.AddRandom("vector", {2}, 1);
    builder.tensors.merge(others.tensors);
    const TemporaryDirectory directory;
    builder.WriteTo(directory);
    const auto checkpoint = Checkpoint::Open(directory.path());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return ComputeType(precision, **checkpoint, has_bf16);
  }
};

TEST_F(PrecisionTest, AutoTakesBFloat16ForMatricesOf16BitsWhereItIsFast) {
  for (const DType half : {DType::kBF16, DType::kF16}) {
    EXPECT_EQ(Choose(half, DType::kF32, Precision::kAuto, true), DType::kBF16);
    EXPECT_EQ(Choose(half, DType::kF32, Precision::kAuto, false), DType::kF32);
  }
  EXPECT_EQ(Choose(DType::kF32, DType::kBF16, Precision::kAuto, true), DType::kF32);
}

TEST_F(PrecisionTest, DoesAsItIsTold) {
  EXPECT_EQ(Choose(DType::kBF16, DType::kBF16, Precision::kF32, true), DType::kF32);
  EXPECT_EQ(Choose(DType::kF32, DType::kF32, Precision::kBF16, false), DType::kBF16);
}

}  // namespace
}  // namespace attentiond
