#include "core/generate/page_pool.h"

#include <gtest/gtest.h>

#include <cstring>

namespace attentiond {
namespace {

constexpr KeyValueLayout kLayout{.layers = 1, .heads = 2, .head_dim = 4, .dtype = DType::kF32};

TEST(PagePoolTest, CountsWhatIsSetAsideAndUsed) {
  PagePool pool(kLayout, 3);
  EXPECT_TRUE(pool.Reserve(2));
  EXPECT_FALSE(pool.Reserve(2));
  EXPECT_TRUE(pool.Reserve(1));
  const int32_t a = pool.Allocate(), b = pool.Allocate();
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.used(), 2);
  EXPECT_EQ(pool.reserved(), 3);
  pool.Release({a, b});
  pool.Unreserve(3);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.reserved(), 0);
  EXPECT_EQ(pool.size(), 3);
}

TEST(PagePoolTest, ASharedPageIsFreeWhenTheLastReferenceIsGone) {
  PagePool pool(kLayout, 1);
  const int32_t page = pool.Allocate();
  EXPECT_FALSE(pool.IsShared(page));
  pool.Share(page);
  EXPECT_TRUE(pool.IsShared(page));
  pool.Release(page);
  EXPECT_FALSE(pool.IsShared(page));
  EXPECT_EQ(pool.used(), 1);
  pool.Release(page);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.Allocate(), page);
}

TEST(PagePoolTest, ACopyHasTheContentAndItsOwnReference) {
  PagePool pool(kLayout, 2);
  const int32_t page = pool.Allocate();
  pool.Share(page);
  std::memset(pool.page(page), 0x5a, kLayout.page_bytes());
  const int32_t copy = pool.CopyOf(page);
  EXPECT_NE(copy, page);
  EXPECT_FALSE(pool.IsShared(page));
  EXPECT_EQ(std::memcmp(pool.page(page), pool.page(copy), kLayout.page_bytes()), 0);
  pool.Release({page, copy});
  EXPECT_EQ(pool.used(), 0);
}

}  // namespace
}  // namespace attentiond
