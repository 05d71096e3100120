#include "core/ops/logits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/logits.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/exp2-inl.h"
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

float Largest(const float* x, int64_t size) {
  const V lowest = hn::Set(kFloats, -std::numeric_limits<float>::infinity());
  V most = lowest;
  int64_t i = 0;
  for (; i + Width() <= size; i += Width()) most = hn::Max(most, LoadAll(x + i));
  float largest = hn::GetLane(hn::MaxOfLanes(kFloats, most));
  for (; i < size; ++i) largest = std::max(largest, x[i]);
  return largest;
}

float SumExp(const float* x, int64_t size, float largest) {
  const V most = hn::Set(kFloats, largest), log2_e = hn::Set(kFloats, 1.44269504f);
  V sum = hn::Zero(kFloats);
  int64_t i = 0;
  for (; i + Width() <= size; i += Width()) {
    sum = hn::Add(sum, Exp2<true>(hn::Mul(hn::Sub(LoadAll(x + i), most), log2_e)));
  }
  float total = hn::GetLane(hn::SumOfLanes(kFloats, sum));
  for (; i < size; ++i) total += std::exp(x[i] - largest);
  return total;
}

void LargestOfBlocks(const float* x, int64_t size, int64_t block, float* largest) {
  for (int64_t i = 0; i < size; i += block) *largest++ = Largest(x + i, std::min(block, size - i));
}

void SumExpOfBlocks(const float* x, int64_t size, int64_t block, float shift, float* sums) {
  for (int64_t i = 0; i < size; i += block)
    *sums++ = SumExp(x + i, std::min(block, size - i), shift);
}

/// The first place from `i` on whose score is above `least`, or `size`.
int64_t NextAbove(const float* x, int64_t i, int64_t size, float least) {
  const V limit = hn::Set(kFloats, least);
  // Four registers at a time: most have nothing.
  for (; i + 4 * Width() <= size; i += 4 * Width()) {
    V most = LoadAll(x + i);
    for (int v = 1; v < 4; ++v) most = hn::Max(most, LoadAll(x + i + v * Width()));
    if (!hn::AllFalse(kFloats, hn::Gt(most, limit))) break;
  }
  while (i < size && !(x[i] > least)) ++i;
  return i;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(Largest);
HWY_EXPORT(SumExp);
HWY_EXPORT(NextAbove);
HWY_EXPORT(LargestOfBlocks);
HWY_EXPORT(SumExpOfBlocks);

int64_t LogitsAtATime(int64_t rows) {
  constexpr int64_t kLogits = 384 * 1024;
  return std::max<int64_t>(1, kLogits / rows / kLogitsBlock) * kLogitsBlock;
}

void LogSumExp::Add(const float* x, int64_t size) {
  for (int64_t i = 0; i < size; i += kLogitsBlock) {
    AddBlock(x + i, std::min(kLogitsBlock, size - i));
  }
}

void LogSumExp::AddBlock(const float* x, int64_t size) {
  const float largest = HWY_DYNAMIC_DISPATCH(Largest)(x, size);
  if (largest == -std::numeric_limits<float>::infinity()) return;
  if (largest > largest_) {
    sum_ *= std::exp(largest_ - largest);
    largest_ = largest;
  }
  sum_ += HWY_DYNAMIC_DISPATCH(SumExp)(x, size, largest_);
}

void SumExpOfBlocks(const float* x, int64_t size, int64_t block, float shift, float* sums) {
  HWY_DYNAMIC_DISPATCH(SumExpOfBlocks)(x, size, block, shift, sums);
}

void LargestOfBlocks(const float* x, int64_t size, int64_t block, float* largest) {
  HWY_DYNAMIC_DISPATCH(LargestOfBlocks)(x, size, block, largest);
}

float LogSumExp::value() const { return largest_ + std::log(sum_); }

TopScores::TopScores(int64_t limit)
    : top_(static_cast<size_t>(limit), {-std::numeric_limits<float>::infinity(), 0}) {}

void TopScores::Add(const float* x, int64_t size, int64_t first) {
  for (int64_t i = 0;; ++i) {
    i = HWY_DYNAMIC_DISPATCH(NextAbove)(x, i, size, top_.back().score);
    if (i >= size) return;
    held_ = std::min(held_ + 1, top_.size());
    size_t at = held_ - 1;
    for (; at > 0 && top_[at - 1].score < x[i]; --at) top_[at] = top_[at - 1];
    top_[at] = {x[i], static_cast<int32_t>(first + i)};
  }
}

}  // namespace attentiond
#endif
