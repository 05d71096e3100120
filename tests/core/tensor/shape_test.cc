#include "core/tensor/shape.h"

#include <gtest/gtest.h>

#include <vector>

namespace attentiond {
namespace {

TEST(ShapeTest, CountsElements) {
  EXPECT_EQ(Shape().num_elements(), 1);
  EXPECT_EQ(Shape({2, 3, 4}).num_elements(), 24);
  EXPECT_EQ(Shape({2, 0, 4}).num_elements(), 0);
  EXPECT_EQ(Shape({2, 8, 128, 64}).ToString(), "[2, 8, 128, 64]");
}

TEST(ShapeTest, RefusesNegativeDimensions) {
  const auto shape = Shape::Create({4, -1});
  EXPECT_EQ(shape.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(shape.status().message(), "shape [4, -1] has a negative dimension");
}

TEST(ShapeTest, RefusesOverflow) {
  const int64_t large = int64_t{1} << 40;
  EXPECT_FALSE(Shape::Create({large, large}).ok());
  EXPECT_FALSE(Shape::Create({INT64_MAX, 2}).ok());
  // A zero does not hide an overflow of the dimensions around it.
  EXPECT_FALSE(Shape::Create({large, 0, large}).ok());
  EXPECT_TRUE(Shape::Create({large, 0}).ok());
}

TEST(ShapeTest, RefusesTooManyDimensions) {
  EXPECT_FALSE(Shape::Create(std::vector<int64_t>(9, 1)).ok());
  EXPECT_TRUE(Shape::Create(std::vector<int64_t>(8, 1)).ok());
}

}  // namespace
}  // namespace attentiond
