#include "core/onednn/kernel_cache.h"

#include <gtest/gtest.h>

#include "core/onednn/isa.h"

namespace attentiond::onednn {
namespace {

MicroKernelShape ShapeOfRows(int64_t rows) {
  MicroKernelShape shape;
  shape.rows = rows;
  shape.columns = shape.depth = shape.a_stride = shape.c_stride = 32;
  return shape;
}

class KernelCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasMicroKernels(DType::kF32)) GTEST_SKIP() << IsaName() << " has no micro-kernels";
  }
  std::shared_ptr<const MicroKernel> Get(int64_t rows) { return *cache_.Get(ShapeOfRows(rows)); }

  KernelCache cache_{2};
};

TEST_F(KernelCacheTest, MakesEachKernelOnce) {
  const auto first = Get(1);
  EXPECT_EQ(Get(1), first);
  EXPECT_NE(Get(2), first);
  EXPECT_EQ(cache_.statistics().hits, 1);
  EXPECT_EQ(cache_.statistics().misses, 2);
}

TEST_F(KernelCacheTest, DropsTheOneUnusedForLongest) {
  const auto first = Get(1), second = Get(2);
  EXPECT_EQ(Get(1), first);
  Get(3);  // drops 2
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(Get(1), first);
  EXPECT_NE(Get(2), second);
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(second.use_count(), 1);  // alive because it is held here, and only here
}

TEST_F(KernelCacheTest, ErrorsAreNotKept) {
  MicroKernelShape shape = ShapeOfRows(1);
  shape.dtype = DType::kF64;
  EXPECT_FALSE(cache_.Get(shape).ok());
  EXPECT_EQ(cache_.size(), 0u);
}

}  // namespace
}  // namespace attentiond::onednn
