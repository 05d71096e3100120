#include "core/ops/attention_packing.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "tests/testing/vector_targets.h"

namespace attentiond {
namespace {

// With each set of instructions that this processor has.
class AttentionPackingTest : public testing::VectorTargetTest {};

TEST_P(AttentionPackingTest, KeyTiles) {
  // 37 tokens, 250 channels apart, become 64 keys: whole pieces of tiles, and a part of the last.
  constexpr int64_t kTokens = 40, kFirst = 3, kCount = 37, kStride = 250, kKeys = 64;
  std::vector<uint16_t> keys(kTokens * kStride);
  std::iota(keys.begin(), keys.end(), uint16_t{1});
  for (const int64_t channels : {8, 32, 40, 96, 250}) {
    const int64_t width = (channels + 31) / 32 * 32;
    std::vector<uint16_t> packed(static_cast<size_t>(kKeys * width), 0xffff);
    PackKeyTiles({keys.data(), kStride, channels, DType::kBF16}, kFirst, kCount,
                 {packed.data(), DType::kBF16, kKeys, width});
    for (int64_t key = 0; key < kKeys; ++key) {
      for (int64_t channel = 0; channel < width; ++channel) {
        const int64_t tile = key / 16 * (width / 32) + channel / 32;
        const bool is_key = key < kCount && channel < channels;
        ASSERT_EQ(packed[static_cast<size_t>((tile * 16 + key % 16) * 32 + channel % 32)],
                  is_key ? (kFirst + key) * kStride + channel + 1 : 0)
            << channels << " channels: key " << key << " channel " << channel;
      }
    }
  }
}

TEST_P(AttentionPackingTest, TransposedValues) {
  // 37 tokens of 40 channels, 50 apart, become 64 keys of 48 channels.
  constexpr int64_t kTokens = 40, kFirst = 3, kCount = 37, kStride = 50, kChannels = 40;
  constexpr int64_t kKeys = 64, kWidth = 48;
  std::vector<uint16_t> values(kTokens * kStride);
  std::iota(values.begin(), values.end(), uint16_t{1});
  std::vector<uint16_t> packed(kKeys * kWidth, 0xffff);
  PackTransposedValues({values.data(), kStride, kChannels, DType::kBF16}, kFirst, kCount,
                       {packed.data(), DType::kBF16, kKeys, kWidth});
  for (int64_t key = 0; key < kKeys; ++key) {
    for (int64_t channel = 0; channel < kWidth; ++channel) {
      const int64_t tile = key / 32 * (kWidth / 16) + channel / 16;
      const bool is_value = key < kCount && channel < kChannels;
      EXPECT_EQ(packed[static_cast<size_t>((tile * 16 + channel % 16) * 32 + key % 32)],
                is_value ? (kFirst + key) * kStride + channel + 1 : 0)
          << "key " << key << " channel " << channel;
    }
  }
}

TEST_P(AttentionPackingTest, TransposedWords) {
  constexpr int64_t kRows = 28, kColumns = 20;
  std::vector<uint32_t> x(kRows * kColumns), y(x.size());
  std::iota(x.begin(), x.end(), 0u);
  TransposeWords(x.data(), kRows, kColumns, y.data());
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t column = 0; column < kColumns; ++column) {
      EXPECT_EQ(y[static_cast<size_t>(column * kRows + row)], row * kColumns + column);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, AttentionPackingTest,
                         ::testing::ValuesIn(testing::VectorTargets()), testing::VectorTargetName);

}  // namespace
}  // namespace attentiond
