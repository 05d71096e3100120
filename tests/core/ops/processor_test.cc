#include "core/ops/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/onednn/isa.h"

namespace attentiond {
namespace {

/// The names of what Highway compiles for below AVX2, which depend on the compiler.
auto BelowAvx2() { return ::testing::AnyOf("SSE4", "SSSE3", "SSE2", "EMU128", "SCALAR"); }

TEST(ProcessorTest, AgreesWithOneDnn) {
  const ProcessorInfo info = DescribeProcessor();
  EXPECT_EQ(info.isa, onednn::IsaName());
  EXPECT_EQ(info.onednn_version, "3.7.2");
  EXPECT_EQ(info.has_bf16, onednn::HasMicroKernels(DType::kBF16));
  EXPECT_FALSE(info.vector_isa.empty());
  EXPECT_EQ(info.has_int8, onednn::HasMicroKernels(DType::kU8));
  EXPECT_THAT(info.kernels, ::testing::SizeIs(5));
}

TEST(ProcessorTest, FollowsTheLimitOnTheInstructionSet) {
  const char* const limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (limit == nullptr) GTEST_SKIP() << "no limit is set";
  const ProcessorInfo info = DescribeProcessor();
  if (std::string(limit) == "AVX2") {
    EXPECT_THAT(info.isa, ::testing::AnyOf("avx2", "avx", "sse41"));
    EXPECT_THAT(info.vector_isa, ::testing::AnyOf("AVX2", BelowAvx2()));
    EXPECT_FALSE(info.has_int8);
  }
  if (std::string(limit) == "AVX512_CORE") {
    EXPECT_FALSE(info.has_int8);
  }
  if (std::string(limit) == "SSE41") {
    EXPECT_EQ(info.isa, "sse41");
    EXPECT_THAT(info.vector_isa, BelowAvx2());
    EXPECT_THAT(info.kernels, ::testing::Each(::testing::EndsWith(": none")));
  }
}

}  // namespace
}  // namespace attentiond
