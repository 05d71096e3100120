#include "core/models/weight_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/checkpoint_builder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::TemporaryDirectory;
using ::testing::ElementsAre;

// y = linear(x) for one row of f32.
std::vector<float> Apply(const Linear& linear, std::vector<float> x) {
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  std::vector<float> y(static_cast<size_t>(linear.out_features()));
  const absl::Status status = linear.Run({.x = x.data(),
                                          .x_stride = linear.in_features(),
                                          .y = y.data(),
                                          .y_stride = linear.out_features(),
                                          .rows = 1},
                                         context);
  EXPECT_TRUE(status.ok()) << status;
  return y;
}

class WeightLoaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Checkpoint> Open(const CheckpointBuilder& builder) {
    builder.WriteTo(directory_);
    auto checkpoint = Checkpoint::Open(directory_.path());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return *std::move(checkpoint);
  }

  TemporaryDirectory directory_;
};

TEST_F(WeightLoaderTest, LoadsLinearLayersAndCountsTheirBytes) {
  CheckpointBuilder builder(nlohmann::json::object());
  builder.Add("l.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
  builder.Add("l.bias", {2}, {10, 20});
  const auto checkpoint = Open(builder);
  WeightLoader loader(checkpoint.get());
  const auto linear = loader.LoadLinear("l", 2, 3, DType::kF32);
  ASSERT_TRUE(linear.ok()) << linear.status();
  EXPECT_THAT(Apply(*linear, {1, 0, -1}), ElementsAre(8, 18));
  EXPECT_EQ(loader.loaded_bytes(), linear->packed_bytes());
  EXPECT_GE(loader.loaded_bytes(), 6 * sizeof(float));
}

TEST_F(WeightLoaderTest, FusesLayersOfDifferentStorage) {
  CheckpointBuilder builder(nlohmann::json::object());
  CheckpointBuilder half(nlohmann::json::object(), DType::kF16);
  builder.Add("a.weight", {1, 2}, {1, 2});
  builder.Add("a.bias", {1}, {100});
  half.Add("b.weight", {1, 2}, {3, 4});
  half.Add("b.bias", {1}, {200});
  builder.tensors.merge(half.tensors);
  const auto checkpoint = Open(builder);
  WeightLoader loader(checkpoint.get());
  const auto fused = loader.LoadFusedLinear({"b", "a"}, 1, 2, DType::kF32);
  ASSERT_TRUE(fused.ok()) << fused.status();
  EXPECT_THAT(Apply(*fused, {1, 1}), ElementsAre(207, 103));
}

TEST_F(WeightLoaderTest, ReadsBothSpellingsOfANorm) {
  CheckpointBuilder builder(nlohmann::json::object(), DType::kBF16);
  builder.Add("new.weight", {2}, {1, 2});
  builder.Add("new.bias", {2}, {3, 4});
  builder.Add("old.gamma", {2}, {5, 6});
  builder.Add("old.beta", {2}, {7, 8});
  const auto checkpoint = Open(builder);
  WeightLoader loader(checkpoint.get());
  const auto with_weight = loader.LoadNorm("new", 2);
  ASSERT_TRUE(with_weight.ok()) << with_weight.status();
  EXPECT_THAT(with_weight->gamma, ElementsAre(1, 2));
  EXPECT_THAT(with_weight->beta, ElementsAre(3, 4));
  const auto with_gamma = loader.LoadNorm("old", 2);
  ASSERT_TRUE(with_gamma.ok()) << with_gamma.status();
  EXPECT_THAT(with_gamma->gamma, ElementsAre(5, 6));
  EXPECT_THAT(with_gamma->beta, ElementsAre(7, 8));
  EXPECT_EQ(loader.loaded_bytes(), 8 * sizeof(float));
}

TEST_F(WeightLoaderTest, KeepsTablesAsTheyAreStored) {
  CheckpointBuilder builder(nlohmann::json::object(), DType::kBF16);
  builder.Add("t.weight", {2, 1}, {1.5f, -2});
  auto checkpoint = Open(builder);
  WeightLoader loader(checkpoint.get());
  const auto table = loader.LoadTable("t", 2, 1);
  ASSERT_TRUE(table.ok()) << table.status();
  checkpoint.reset();  // the table is a copy: the mapping may go
  EXPECT_EQ(table->dtype(), DType::kBF16);
  EXPECT_EQ(ToFloat(table->values<BFloat16>()[1]), -2.0f);
  EXPECT_EQ(loader.loaded_bytes(), 4u);
}

TEST_F(WeightLoaderTest, NamesWhatIsMissingOrOfAnotherShape) {
  CheckpointBuilder builder(nlohmann::json::object());
  builder.Add("l.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto checkpoint = Open(builder);
  WeightLoader loader(checkpoint.get());
  EXPECT_EQ(
      loader.LoadLinear("l", 2, 3, DType::kF32).status(),
      absl::InvalidArgumentError(
          directory_.path() + ": tensor \"l.bias\" [2] is required, there is none of that name"));
  EXPECT_EQ(
      loader.LoadFusedLinear({"l"}, 3, 2, DType::kF32).status(),
      absl::InvalidArgumentError(directory_.path() +
                                 ": tensor \"l.weight\" [3, 2] is required, it has shape [2, 3]"));
  EXPECT_EQ(loader.LoadNorm("n", 2).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(loader.LoadTable("l", 3, 3).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(loader.loaded_bytes(), 0u);
}

}  // namespace
}  // namespace attentiond
