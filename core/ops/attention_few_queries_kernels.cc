#include "core/ops/attention_few_queries_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/attention_few_queries_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

template <typename T>
const T* RowOf(const HeadRows& head, int64_t token) {
  return static_cast<const T*>(head.row(token));
}

// The products of kRows queries with kKeys keys; as many sums as there are registers for.
template <int kRows, int kKeys, typename T>
HWY_INLINE void MultiplyKeysOf(const float* queries, int64_t width, const HeadRows& keys,
                               int64_t first, float* scores, int64_t stride) {
  V sums[kRows][kKeys];
  for (auto& row : sums) {
    for (V& sum : row) sum = hn::Zero(kFloats);
  }
  ForEachVector(keys.channels, [&](int64_t i, int64_t count) {
    V query[kRows];
    for (int r = 0; r < kRows; ++r) query[r] = LoadAll(queries + r * width + i);
    for (int k = 0; k < kKeys; ++k) {
      const V key = Load(RowOf<T>(keys, first + k) + i, count);
      for (int r = 0; r < kRows; ++r) sums[r][k] = hn::MulAdd(query[r], key, sums[r][k]);
    }
  });
  for (int r = 0; r < kRows; ++r) {
    for (int k = 0; k < kKeys; ++k) {
      scores[r * stride + k] = hn::GetLane(hn::SumOfLanes(kFloats, sums[r][k]));
    }
  }
}

template <int kRows, typename T>
void MultiplyAllKeys(const float* queries, int64_t width, const HeadRows& keys, int64_t first,
                     int64_t count, float* scores, int64_t stride) {
  constexpr int kKeys = 4;
  int64_t k = 0;
  for (; k + kKeys <= count; k += kKeys) {
    MultiplyKeysOf<kRows, kKeys, T>(queries, width, keys, first + k, scores + k, stride);
  }
  for (; k < count; ++k) {
    MultiplyKeysOf<kRows, 1, T>(queries, width, keys, first + k, scores + k, stride);
  }
}

// A row's channels, kVectors registers of them at a time, over all keys.
template <int kVectors, typename T>
HWY_INLINE void AddValuesTo(const float* p, const HeadRows& values, int64_t first, int64_t count,
                            int64_t channel, float* sums) {
  V sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = LoadAll(sums + channel + v * Width());
  for (int64_t k = 0; k < count; ++k) {
    const V weight = hn::Set(kFloats, p[k]);
    const T* const value = RowOf<T>(values, first + k) + channel;
    for (int v = 0; v < kVectors; ++v) {
      sum[v] = hn::MulAdd(weight, LoadAll(value + v * Width()), sum[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) StoreAll(sum[v], sums + channel + v * Width());
}

template <typename T>
void AddAllValues(const float* p, const HeadRows& values, int64_t first, int64_t count,
                  float* sums) {
  constexpr int kVectors = 8;
  int64_t channel = 0;
  for (; channel + kVectors * Width() <= values.channels; channel += kVectors * Width()) {
    AddValuesTo<kVectors, T>(p, values, first, count, channel, sums);
  }
  for (; channel + 4 * Width() <= values.channels; channel += 4 * Width()) {
    AddValuesTo<4, T>(p, values, first, count, channel, sums);
  }
  for (; channel + Width() <= values.channels; channel += Width()) {
    AddValuesTo<1, T>(p, values, first, count, channel, sums);
  }
  const int64_t rest = values.channels - channel;
  if (rest == 0) return;
  V sum = Load(sums + channel, rest);
  for (int64_t k = 0; k < count; ++k) {
    const V value = Load(RowOf<T>(values, first + k) + channel, rest);
    sum = hn::MulAdd(hn::Set(kFloats, p[k]), value, sum);
  }
  Store(sum, sums + channel, rest);
}

template <typename T>
void MultiplyKeysAs(const float* queries, int64_t width, int64_t num_rows, const HeadRows& keys,
                    int64_t first, int64_t count, float* scores, int64_t stride) {
  switch (num_rows) {
    case 1:
      return MultiplyAllKeys<1, T>(queries, width, keys, first, count, scores, stride);
    case 2:
      return MultiplyAllKeys<2, T>(queries, width, keys, first, count, scores, stride);
    case 3:
      return MultiplyAllKeys<3, T>(queries, width, keys, first, count, scores, stride);
    default:
      return MultiplyAllKeys<4, T>(queries, width, keys, first, count, scores, stride);
  }
}

void MultiplyKeys(const float* queries, int64_t width, int64_t num_rows, const HeadRows& keys,
                  int64_t first, int64_t count, float* scores, int64_t stride) {
  const auto multiply = keys.dtype == DType::kF32    ? MultiplyKeysAs<float>
                        : keys.dtype == DType::kBF16 ? MultiplyKeysAs<BFloat16>
                                                     : MultiplyKeysAs<Float16>;
  multiply(queries, width, num_rows, keys, first, count, scores, stride);
}

void AddValues(const float* p, int64_t stride, int64_t num_rows, const HeadRows& values,
               int64_t first, int64_t count, float* sums, int64_t width) {
  const auto add = values.dtype == DType::kF32    ? AddAllValues<float>
                   : values.dtype == DType::kBF16 ? AddAllValues<BFloat16>
                                                  : AddAllValues<Float16>;
  // What one row has read is in the cache for the next.
  constexpr int64_t kKeys = 64;
  for (int64_t k = 0; k < count; k += kKeys) {
    for (int64_t r = 0; r < num_rows; ++r) {
      add(p + r * stride + k, values, first + k, std::min(kKeys, count - k), sums + r * width);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(MultiplyKeys);
HWY_EXPORT(AddValues);

void MultiplyKeys(const float* queries, int64_t width, int64_t num_rows, const HeadRows& keys,
                  int64_t first, int64_t count, float* scores, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(MultiplyKeys)
  (queries, width, num_rows, keys, first, count, scores, stride);
}
void AddValues(const float* p, int64_t stride, int64_t num_rows, const HeadRows& values,
               int64_t first, int64_t count, float* sums, int64_t width) {
  HWY_DYNAMIC_DISPATCH(AddValues)(p, stride, num_rows, values, first, count, sums, width);
}

}  // namespace attentiond
#endif
