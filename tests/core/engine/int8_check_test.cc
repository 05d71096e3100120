#include "core/engine/int8_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/engine/model.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::GoldenModel;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;
using ::testing::HasSubstr;

TEST(CompareInt8Test, TheWorstOutputCounts) {
  const CanaryOutputs in_f32 = {{1, 0}, {0, 2}, {3, 4}};
  EXPECT_EQ(*CompareInt8(in_f32, in_f32), 1);
  // (0.3, 4) and (0, 2): 4 / sqrt(16.09).
  EXPECT_NEAR(*CompareInt8({{5, 0}, {0.3f, 4}, {3, 4}}, in_f32), 4 / std::sqrt(16.09), 1e-6);
}

TEST(CompareInt8Test, RefusesWhatIsFarAway) {
  const auto refused = CompareInt8({{1, 1}}, {{1, 0}});
  EXPECT_EQ(refused.status(),
            absl::InvalidArgumentError("int8 is too coarse for this model: a cosine of 0.707 to "
                                       "f32, at least 0.90 is required; use --dtype bf16 or f32"));
  EXPECT_TRUE(CompareInt8({{1, 0.48f}}, {{1, 0}}).ok()) << "0.9015";
  EXPECT_FALSE(CompareInt8({{1, 0.49f}}, {{1, 0}}).ok()) << "0.8980";
}

TEST(CompareInt8Test, RefusesWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const CanaryOutputs& outputs : {CanaryOutputs{{nan, 0}, {1, 0}}, {{1, 0}, {nan, 0}}}) {
    EXPECT_FALSE(CompareInt8(outputs, {{1, 0}, {1, 0}}).ok());
    EXPECT_FALSE(CompareInt8({{1, 0}, {1, 0}}, outputs).ok());
  }
}

class Int8LoadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!DescribePlatform().has_int8) GTEST_SKIP() << "this processor does not multiply int8";
  }
  static absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& directory) {
    return LoadModel(directory, {.precision = LoadOptions::Precision::kInt8});
  }
};

TEST_F(Int8LoadTest, SaysWhatItComputesInAndHowNearItIs) {
  for (const char* name : {"bert-classify", "mha-0", "mha-1", "vit-classify", "marian-translate",
                           "t5-translate", "vit-gpt2-caption", "blip-caption"}) {
    const auto model = Load(GoldenModel(name).directory());
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ((*model)->info().compute, DType::kI8);
    ASSERT_TRUE((*model)->info().int8_cosine.has_value());
    EXPECT_GT(*(*model)->info().int8_cosine, ModelInfo::kWorryingInt8Cosine) << name;
    EXPECT_LT(*(*model)->info().int8_cosine, 1) << name << ": is it int8?";
  }
  const auto in_f32 = LoadModel(GoldenModel("mha-0").directory(), {});
  ASSERT_TRUE(in_f32.ok());
  EXPECT_FALSE((*in_f32)->info().int8_cosine.has_value());
}

TEST_F(Int8LoadTest, MatricesTakeAQuarter) {
  testing::EncoderSizes sizes;
  sizes.hidden_size = 192;
  sizes.intermediate_size = 768;
  const TemporaryDirectory directory;
  RandomEncoder(*FindEncoderFamily("bert"), sizes, false).WriteTo(directory);
  const auto in_int8 = Load(directory.path());
  const auto in_f32 = LoadModel(directory.path(), {.precision = LoadOptions::Precision::kF32});
  ASSERT_TRUE(in_int8.ok() && in_f32.ok()) << in_int8.status() << in_f32.status();
  EXPECT_LT((*in_int8)->info().weight_bytes, (*in_f32)->info().weight_bytes * 3 / 10);
}

// A channel that is always zero, whose weights are so large that next to them the others are
// nothing in 8 bits: f32 does not notice.
TEST_F(Int8LoadTest, RefusesAModelThatInt8Breaks) {
  CheckpointBuilder builder = RandomEncoder(*FindEncoderFamily("bert"), {}, false);
  constexpr int64_t kHidden = 24;
  for (auto& [name, tensor] : builder.tensors) {
    float* const values = tensor.values<float>().data();
    const bool is_norm = name.find("LayerNorm") != std::string::npos;
    const bool is_matrix =
        name.find("dense.weight") != std::string::npos || name.find("self") != std::string::npos;
    if (is_norm) {
      values[0] = 0;
    } else if (is_matrix && tensor.shape().rank() == 2 && tensor.shape().dim(1) == kHidden) {
      for (int64_t row = 0; row < tensor.shape().dim(0); ++row) values[row * kHidden] = 1e4f;
    }
  }
  const TemporaryDirectory directory;
  builder.WriteTo(directory);
  const auto model = Load(directory.path());
  EXPECT_TRUE(absl::IsInvalidArgument(model.status())) << model.status();
  EXPECT_THAT(std::string(model.status().message()), HasSubstr("use --dtype bf16 or f32"));
  EXPECT_TRUE(LoadModel(directory.path(), {}).ok());
}

TEST_F(Int8LoadTest, RefusesAModelWithWeightsThatAreNotFinite) {
  CheckpointBuilder builder = RandomEncoder(*FindEncoderFamily("bert"), {}, false);
  for (auto& [name, tensor] : builder.tensors) {
    if (name.find("intermediate.dense.weight") != std::string::npos) {
      tensor.values<float>()[5] = std::numeric_limits<float>::infinity();
    }
  }
  const TemporaryDirectory directory;
  builder.WriteTo(directory);
  EXPECT_TRUE(absl::IsInvalidArgument(Load(directory.path()).status()));
}

}  // namespace
}  // namespace attentiond
