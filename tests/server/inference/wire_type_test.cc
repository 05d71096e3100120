// tests/server/inference/wire_type_test.cc -- every type has a name, and back.
#include "server/inference/wire_type.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(WireTypeTest, NamesGoThereAndBack) {
  for (const DType dtype :
       {DType::kBool, DType::kU8, DType::kI8, DType::kU16, DType::kI16, DType::kU32, DType::kI32,
        DType::kU64, DType::kI64, DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    EXPECT_EQ(DTypeFromWireName(WireName(dtype)), dtype) << Name(dtype);
  }
}

TEST(WireTypeTest, SpellsAsKServeDoes) {
  EXPECT_EQ(WireName(DType::kBool), "BOOL");
  EXPECT_EQ(WireName(DType::kI64), "INT64");
  EXPECT_EQ(WireName(DType::kBF16), "BF16");
}

TEST(WireTypeTest, RefusesOtherNames) {
  for (const char* name : {"", "fp32", "BYTES", "FP32 ", "INT128"}) {
    EXPECT_EQ(DTypeFromWireName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace attentiond
