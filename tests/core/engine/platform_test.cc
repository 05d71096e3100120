#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/engine/model.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;

TEST(PlatformTest, DescribesWhatItRunsOn) {
  const Platform platform = DescribePlatform();
  EXPECT_EQ(platform.onednn_version, "3.7.2");
  EXPECT_FALSE(platform.isa.empty());
  EXPECT_FALSE(platform.kernels.empty());
}

TEST(PlatformTest, CountsEachKernelUnderOneName) {
  std::set<std::pair<std::string, std::string>> names;
  for (const KernelCount& count : KernelCounts()) {
    EXPECT_FALSE(count.op.empty());
    EXPECT_TRUE(names.insert({count.op, count.kernel}).second) << count.op << " " << count.kernel;
  }
}

TEST(PlatformTest, CountsTheOpsOfAModel) {
  const TemporaryDirectory directory;
  RandomEncoder(*FindEncoderFamily("bert"), {}, false).WriteTo(directory);
  const auto model = LoadModel(directory.path(), {});
  ASSERT_TRUE(model.ok()) << model.status();
  const auto sums = [] {
    std::map<std::string, uint64_t> by_op;
    for (const KernelCount& count : KernelCounts()) by_op[count.op] += count.count;
    return by_op;
  };
  auto before = sums();
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  const std::vector<int32_t> ids = {1, 2, 3};
  EncoderRow row;
  row.ids = ids;
  std::vector<EncoderRowResult> results;
  ASSERT_TRUE((*model)->AsTextEncoder()->Run({&row, 1}, context, &results).ok());
  auto after = sums();
  // Two layers: one attention, four linear layers and two norms each, and a norm before them.
  EXPECT_EQ(after["attention"] - before["attention"], 2u);
  EXPECT_EQ(after["linear"] - before["linear"], 8u);
  EXPECT_EQ(after["layer_norm"] - before["layer_norm"], 5u);
}

}  // namespace
}  // namespace attentiond
