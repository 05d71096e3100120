#include "core/ops/weight_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

unsigned char* Bytes(const WeightMemory& memory) {
  return static_cast<unsigned char*>(memory.data());
}

TEST(WeightMemoryTest, PartsAreAlignedZerosOfTheirOwn) {
  // Many to a chunk, more than one chunk, and one that does not fit any.
  const std::vector<size_t> sizes = {1, 63, 64, 65, 100'000, 2'000'000, 12'000'000};
  std::vector<WeightMemory> parts;
  for (int round = 0; round < 6; ++round) {
    for (const size_t size : sizes) parts.emplace_back(size);
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(parts[i].data()) % AlignedBuffer::kAlignment, 0u);
    EXPECT_EQ(parts[i].size(), sizes[i % sizes.size()]);
    EXPECT_TRUE(std::all_of(Bytes(parts[i]), Bytes(parts[i]) + parts[i].size(),
                            [](unsigned char byte) { return byte == 0; }));
    std::memset(parts[i].data(), static_cast<int>(i + 1), parts[i].size());
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_TRUE(std::all_of(Bytes(parts[i]), Bytes(parts[i]) + parts[i].size(),
                            [=](unsigned char byte) { return byte == i + 1; }));
  }
}

TEST(WeightMemoryTest, AChunkServesAgainOnlyWhenNothingIsLeftOfIt) {
  WeightMemory first(1000);
  std::memset(first.data(), 1, first.size());
  {
    const WeightMemory second(1000);
    std::memset(second.data(), 2, second.size());
  }
  const WeightMemory third(1000);
  std::memset(third.data(), 3, third.size());
  EXPECT_EQ(Bytes(first)[0], 1);
  EXPECT_EQ(Bytes(first)[999], 1);
  first = WeightMemory();
  EXPECT_EQ(first.data(), nullptr);
  EXPECT_EQ(Bytes(third)[999], 3);
}

}  // namespace
}  // namespace attentiond
