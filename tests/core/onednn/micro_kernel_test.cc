#include "core/onednn/micro_kernel.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "core/onednn/isa.h"
#include "core/tensor/aligned_buffer.h"
#include "core/tensor/element.h"

namespace attentiond::onednn {
namespace {

// Small integers: every product and sum is exact in f32, so results must be equal, in any order.
int Value(int64_t row, int64_t column) { return static_cast<int>((row * 7 + column * 5) % 9) - 4; }

struct Problem {
  explicit Problem(const MicroKernelShape& s)
      : shape(s),
        a(static_cast<size_t>(s.rows * s.a_stride) * ByteSize(s.dtype)),
        b(static_cast<size_t>(s.depth * s.columns) * ByteSize(s.dtype)),
        c(static_cast<size_t>(s.rows * s.c_stride), 100.0f) {
    const int64_t group = BGroup(s.dtype);
    for (int64_t i = 0; i < s.rows; ++i) {
      for (int64_t k = 0; k < s.depth; ++k) {
        StoreElement(a.data(), s.dtype, i * s.a_stride + k, static_cast<float>(Value(i, k)));
      }
    }
    for (int64_t k = 0; k < s.depth; ++k) {
      for (int64_t j = 0; j < s.columns; ++j) {
        StoreElement(b.data(), s.dtype, (k / group * s.columns + j) * group + k % group,
                     static_cast<float>(Value(k, j)));
      }
    }
  }

  float Expected(int64_t i, int64_t j) const {
    if (j >= shape.columns) return 100;
    int sum = shape.accumulate ? 100 : 0;
    for (int64_t k = 0; k < shape.depth; ++k) sum += Value(i, k) * Value(k, j);
    return static_cast<float>(sum);
  }

  void Check() const {
    for (int64_t i = 0; i < shape.rows; ++i) {
      for (int64_t j = 0; j < shape.c_stride; ++j) {
        ASSERT_EQ(c[static_cast<size_t>(i * shape.c_stride + j)], Expected(i, j))
            << "row " << i << " column " << j << " of " << shape.rows << "x" << shape.columns << "x"
            << shape.depth;
      }
    }
  }

  MicroKernelShape shape;
  std::vector<char> a, b;
  std::vector<float> c;
};

class MicroKernelTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!HasMicroKernels(GetParam())) GTEST_SKIP() << IsaName() << " has no such kernel";
  }
};

TEST_P(MicroKernelTest, MultipliesExactly) {
  AlignedBuffer scratch(MicroKernel::kScratchBytes);
  for (const int64_t rows : {1, 7, 16, 17, 32}) {
    for (const int64_t columns : {16, 32, 48, 64, 256}) {
      for (const int64_t depth : {2, 32, 96, 256}) {
        for (const bool accumulate : {false, true}) {
          Problem problem({rows, columns, depth, depth + 6, 0, columns + 16, GetParam(), accumulate});
          const auto kernel = MicroKernel::Create(problem.shape);
          ASSERT_TRUE(kernel.ok()) << kernel.status();
          MatrixUnit unit;
          unit.Prepare(*kernel);
          kernel->Run(problem.a.data(), problem.b.data(), problem.c.data(), scratch.data());
          problem.Check();
        }
      }
    }
  }
}

TEST_P(MicroKernelTest, KernelsOfDifferentTileShapesAlternate) {
  Problem narrow({1, 16, 32, 32, 0, 16, GetParam(), false});
  Problem wide({32, 64, 64, 64, 0, 64, GetParam(), false});
  const auto narrow_kernel = MicroKernel::Create(narrow.shape);
  const auto wide_kernel = MicroKernel::Create(wide.shape);
  ASSERT_TRUE(narrow_kernel.ok() && wide_kernel.ok());
  const auto alternate = [&](Problem first, Problem second) {
    AlignedBuffer own_scratch(MicroKernel::kScratchBytes);
    MatrixUnit unit;
    for (int repeat = 0; repeat < 3; ++repeat) {
      unit.Prepare(*narrow_kernel);
      narrow_kernel->Run(first.a.data(), first.b.data(), first.c.data(), own_scratch.data());
      unit.Prepare(*wide_kernel);
      wide_kernel->Run(second.a.data(), second.b.data(), second.c.data(), own_scratch.data());
    }
    first.Check();
    second.Check();
  };
  std::thread other(alternate, narrow, wide);
  alternate(narrow, wide);
  other.join();
}

INSTANTIATE_TEST_SUITE_P(DTypes, MicroKernelTest, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

// All of the range of u8 and s8.
TEST(IntegerMicroKernelTest, MultipliesExactly) {
  if (!HasMicroKernels(DType::kU8)) GTEST_SKIP() << IsaName() << " has no such kernel";
  AlignedBuffer scratch(MicroKernel::kScratchBytes);
  const auto a_value = [](int64_t i, int64_t k) { return static_cast<uint8_t>(255 - 7 * i * k); };
  const auto b_value = [](int64_t k, int64_t j) { return static_cast<int8_t>(127 + 5 * k * j); };
  for (const int64_t rows : {1, 16, 32}) {
    for (const int64_t depth : {4, 64, 100, 128, 1024}) {
      for (const bool accumulate : {false, true}) {
        constexpr int64_t kColumns = 64;
        std::vector<uint8_t> a(static_cast<size_t>(rows * depth));
        std::vector<int8_t> b(static_cast<size_t>(depth * kColumns));
        for (int64_t k = 0; k < depth; ++k) {
          for (int64_t i = 0; i < rows; ++i) {
            a[static_cast<size_t>(i * depth + k)] = a_value(i, k);
          }
          for (int64_t j = 0; j < kColumns; ++j) {
            b[static_cast<size_t>((k / 4 * kColumns + j) * 4 + k % 4)] = b_value(k, j);
          }
        }
        std::vector<int32_t> c(static_cast<size_t>(rows * kColumns), -9);
        const auto kernel = MicroKernel::Create(
            {rows, kColumns, depth, depth, 0, kColumns, DType::kU8, accumulate});
        ASSERT_TRUE(kernel.ok()) << kernel.status();
        MatrixUnit unit;
        unit.Prepare(*kernel);
        kernel->Run(a.data(), b.data(), c.data(), scratch.data());
        for (size_t at = 0; at < c.size(); ++at) {
          const auto i = static_cast<int64_t>(at) / kColumns;
          const auto j = static_cast<int64_t>(at) % kColumns;
          int32_t expected = accumulate ? -9 : 0;
          for (int64_t k = 0; k < depth; ++k) expected += a_value(i, k) * b_value(k, j);
          ASSERT_EQ(c[at], expected) << rows << "x" << depth << " at " << i << ", " << j;
        }
      }
    }
  }
}

TEST(MicroKernelErrorTest, OtherTypesHaveNoKernels) {
  EXPECT_FALSE(HasMicroKernels(DType::kF16));
  EXPECT_FALSE(HasMicroKernels(DType::kF64));
}

TEST(IsaTest, NamesAndVersion) {
  EXPECT_STRNE(IsaName(), "unknown");
  EXPECT_EQ(Version(), "3.7.2");
}

}  // namespace
}  // namespace attentiond::onednn
