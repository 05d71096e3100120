#include "core/ops/logits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/logits.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

float SumExp(const float* x, int64_t size, float* largest) {
  const V lowest = hn::Set(kFloats, -std::numeric_limits<float>::infinity());
  const V lanes = hn::Iota(kFloats, 0);
  // Lanes past the row's end are 0, and must not count.
  const auto load = [&](int64_t i, int64_t count) {
    const auto inside = hn::Lt(lanes, hn::Set(kFloats, static_cast<float>(count)));
    return hn::IfThenElse(inside, Load(x + i, count), lowest);
  };
  V most = lowest;
  ForEachVector(size, [&](int64_t i, int64_t count) { most = hn::Max(most, load(i, count)); });
  most = hn::MaxOfLanes(kFloats, most);
  V sum = hn::Zero(kFloats);
  ForEachVector(size, [&](int64_t i, int64_t count) {
    sum = hn::Add(sum, Exp(hn::Sub(load(i, count), most)));
  });
  *largest = hn::GetLane(most);
  return hn::GetLane(hn::SumOfLanes(kFloats, sum));
}

void Insert(float score, int64_t token, int64_t held, int64_t limit, ScoredToken* top) {
  int64_t at = std::min(held, limit - 1);
  for (; at > 0 && top[at - 1].score < score; --at) top[at] = top[at - 1];
  top[at] = {score, static_cast<int32_t>(token)};
}

void Top(const float* x, int64_t size, int64_t limit, ScoredToken* top) {
  int64_t i = 0;
  for (; i < limit; ++i) Insert(x[i], i, i, limit, top);
  const auto consider = [&](int64_t at) {
    if (x[at] > top[limit - 1].score) Insert(x[at], at, limit, limit, top);
  };
  while (i + Width() <= size) {
    const V least = hn::Set(kFloats, top[limit - 1].score);
    // Four registers at a time: most have nothing.
    if (i + 4 * Width() <= size) {
      V most = LoadAll(x + i);
      for (int v = 1; v < 4; ++v) most = hn::Max(most, LoadAll(x + i + v * Width()));
      if (hn::AllFalse(kFloats, hn::Gt(most, least))) {
        i += 4 * Width();
        continue;
      }
    }
    if (!hn::AllFalse(kFloats, hn::Gt(LoadAll(x + i), least))) {
      for (int64_t lane = 0; lane < Width(); ++lane) consider(i + lane);
    }
    i += Width();
  }
  for (; i < size; ++i) consider(i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(SumExp);
HWY_EXPORT(Top);

float LogSumExp(const float* x, int64_t size) {
  float largest = 0;
  const float sum = HWY_DYNAMIC_DISPATCH(SumExp)(x, size, &largest);
  return largest + std::log(sum);
}

void TopScores(const float* x, int64_t size, absl::Span<ScoredToken> top) {
  if (top.empty()) return;
  HWY_DYNAMIC_DISPATCH(Top)(x, size, static_cast<int64_t>(top.size()), top.data());
}

}  // namespace attentiond
#endif
