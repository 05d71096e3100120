#include "core/ops/paged_attention_kernels.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/ops/row_kernels.h"
#include "core/tensor/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/paged_attention_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kTokens = KeyValueLayout::kTokens;

/// One channel of several keys.
struct KeysF32 {
  using Element = float;
  static constexpr int64_t kGroup = 1;
  static HWY_INLINE void Load(const float* keys, V* channels) { channels[0] = LoadAll(keys); }
};
/// Two channels of several keys: the halves of 32-bit words.
struct KeysBF16 {
  using Element = BFloat16;
  static constexpr int64_t kGroup = 2;
  static HWY_INLINE void Load(const BFloat16* keys, V* channels) {
    const hn::RebindToUnsigned<Floats> words;
    const auto pairs = hn::LoadU(words, reinterpret_cast<const uint32_t*>(keys));
    channels[0] = hn::BitCast(kFloats, hn::ShiftLeft<16>(pairs));
    channels[1] = hn::BitCast(kFloats, hn::And(pairs, hn::Set(words, 0xffff0000u)));
  }
};

/// scores[row][token] of one page = query[row] . key[token]
template <typename Keys, int kRows>
HWY_INLINE void ScorePage(const typename Keys::Element* keys, int64_t padded_dim,
                          const float* queries, int64_t query_stride, float* scores,
                          int64_t score_stride) {
  for (int64_t token = 0; token < kTokens; token += Width()) {
    // Two sums for each row, whatever the number of rows: the latency of one would show, and the
    // order of the terms must not depend on the company.
    V sums[kRows][2];
    for (auto& sum : sums) sum[0] = sum[1] = hn::Zero(kFloats);
    const typename Keys::Element* at = keys + token * Keys::kGroup;
    int64_t channel = 0;
    const auto add = [&](int chain) {
      V channels[2];
      Keys::Load(at, channels);
      for (int64_t c = 0; c < Keys::kGroup; ++c) {
        for (int row = 0; row < kRows; ++row) {
          const V query = hn::Set(kFloats, queries[row * query_stride + channel + c]);
          sums[row][chain] = hn::MulAdd(query, channels[c], sums[row][chain]);
        }
      }
      at += kTokens * Keys::kGroup;
      channel += Keys::kGroup;
    };
    while (channel + 2 * Keys::kGroup <= padded_dim) {
      add(0);
      add(1);
    }
    if (channel < padded_dim) add(0);
    for (int row = 0; row < kRows; ++row) {
      StoreAll(hn::Add(sums[row][0], sums[row][1]), scores + row * score_stride + token);
    }
  }
}

/// Turns scores into exponentials relative to the largest; returns 1 / their sum.
HWY_INLINE float Softmax(const float* bias, float scale, int64_t length, float* scores) {
  const V factor = hn::Set(kFloats, scale);
  const V lowest = hn::Set(kFloats, -std::numeric_limits<float>::infinity());
  const V lanes = hn::Iota(kFloats, 0);
  V most = lowest;
  ForEachVector(length, [&](int64_t i, int64_t count) {
    V score = hn::Mul(LoadAll(scores + i), factor);
    if (bias != nullptr) score = hn::Add(score, Load(bias + i, count));
    // What is past the end is in the last page, and must not count.
    const auto inside = hn::Lt(lanes, hn::Set(kFloats, static_cast<float>(count)));
    score = hn::IfThenElse(inside, score, lowest);
    StoreAll(score, scores + i);
    most = hn::Max(most, score);
  });
  const V largest = hn::MaxOfLanes(kFloats, most);
  V sum = hn::Zero(kFloats);
  ForEachVector(length, [&](int64_t i, int64_t) {
    const V power = Exp(hn::Sub(LoadAll(scores + i), largest));
    StoreAll(power, scores + i);
    sum = hn::Add(sum, power);
  });
  return 1.0f / hn::GetLane(hn::SumOfLanes(kFloats, sum));
}

/// output[row] = sum over keys of probability * value, for kVectors registers of channels.
template <typename T, int kRows, int kVectors>
HWY_INLINE void SumValues(const PagedHead& head, size_t values_at, int64_t channel, int64_t count,
                          const float* scores, int64_t score_stride, const float* inverse_sums) {
  V sums[kRows][kVectors];
  for (auto& row : sums) {
    for (V& sum : row) sum = hn::Zero(kFloats);
  }
  for (int64_t first = 0; first < head.length; first += kTokens) {
    const auto page = static_cast<size_t>(head.page_list[first / kTokens]);
    const T* value =
        reinterpret_cast<const T*>(head.pages + page * head.page_bytes + values_at) + channel;
    const int64_t tokens = std::min(kTokens, head.length - first);
    for (int64_t token = 0; token < tokens; ++token, value += head.layout.head_dim) {
      V channels[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        channels[v] = kVectors == 1 ? Load(value, count) : LoadAll(value + v * Width());
      }
      for (int row = 0; row < kRows; ++row) {
        const V p = hn::Set(kFloats, scores[row * score_stride + first + token]);
        for (int v = 0; v < kVectors; ++v) sums[row][v] = hn::MulAdd(p, channels[v], sums[row][v]);
      }
    }
  }
  for (int row = 0; row < kRows; ++row) {
    T* const y = static_cast<T*>(head.output[row]) + channel;
    const V inverse = hn::Set(kFloats, inverse_sums[row]);
    for (int v = 0; v < kVectors; ++v) {
      const V result = hn::Mul(sums[row][v], inverse);
      if constexpr (kVectors == 1) {
        Store(result, y, count);
      } else {
        StoreAll(result, y + v * Width());
      }
    }
  }
}

template <typename Keys, int kRows>
void Attend(const PagedHead& head) {
  using T = typename Keys::Element;
  const int64_t dim = head.layout.head_dim, padded = head.layout.padded_dim();
  const int64_t score_stride = (head.length + kTokens - 1) / kTokens * kTokens;
  float* const queries = head.scratch;
  float* const scores = queries + kRows * padded;
  for (int64_t row = 0; row < kRows; ++row) {
    float* const query = queries + row * padded;
    query[padded - 1] = 0;
    ForEachVector(dim, [&](int64_t i, int64_t count) {
      Store(Load(static_cast<const T*>(head.query[row]) + i, count), query + i, count);
    });
  }
  for (int64_t first = 0; first < head.length; first += kTokens) {
    const auto page = static_cast<size_t>(head.page_list[first / kTokens]);
    ScorePage<Keys, kRows>(reinterpret_cast<const T*>(head.pages + page * head.page_bytes), padded,
                           queries, padded, scores + first, score_stride);
  }
  float inverse_sums[kRows];
  for (int64_t row = 0; row < kRows; ++row) {
    float* const of_row = scores + row * score_stride;
    inverse_sums[row] = Softmax(head.bias[row], head.scale, head.length, of_row);
    if (head.weights[row] == nullptr) continue;
    for (int64_t i = 0; i < head.length; ++i) head.weights[row][i] = of_row[i] * inverse_sums[row];
  }
  const size_t values_at = static_cast<size_t>(head.layout.key_size()) * sizeof(T);
  int64_t channel = 0;
  for (; channel + 4 * Width() <= dim; channel += 4 * Width()) {
    SumValues<T, kRows, 4>(head, values_at, channel, 0, scores, score_stride, inverse_sums);
  }
  for (; channel < dim; channel += Width()) {
    SumValues<T, kRows, 1>(head, values_at, channel, std::min(Width(), dim - channel), scores,
                           score_stride, inverse_sums);
  }
}

template <typename Keys>
void AttendRows(const PagedHead& head) {
  switch (head.rows) {
    case 1:
      return Attend<Keys, 1>(head);
    case 2:
      return Attend<Keys, 2>(head);
    case 3:
      return Attend<Keys, 3>(head);
    default:
      return Attend<Keys, 4>(head);
  }
}

void AttendHead(const PagedHead& head) {
  if (head.layout.dtype == DType::kBF16) {
    AttendRows<KeysBF16>(head);
  } else {
    AttendRows<KeysF32>(head);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(AttendHead);

int64_t PagedHeadScratch(const KeyValueLayout& layout, int64_t length) {
  constexpr int64_t kRows = PagedHead::kMaxRows;
  return kRows * (layout.padded_dim() + KeyValueLayout::PagesOf(length) * KeyValueLayout::kTokens +
                  KeyValueLayout::kTokens);
}

void AttendPagedHead(const PagedHead& head) {
  if (head.length > 0) {
    HWY_DYNAMIC_DISPATCH(AttendHead)(head);
    return;
  }
  for (int64_t row = 0; row < head.rows; ++row) {
    std::memset(head.output[row], 0,
                static_cast<size_t>(head.layout.head_dim) * ByteSize(head.layout.dtype));
  }
}

namespace {

/// Words are two channels of bf16, or one of f32: what lies together of a key.
template <typename T>
void WriteHead(const KeyValueLayout& layout, int64_t slot, const T* key, const T* value, T* keys,
               T* values) {
  constexpr int64_t kGroup = static_cast<int64_t>(sizeof(uint32_t) / sizeof(T));
  auto* const words = reinterpret_cast<uint32_t*>(keys) + slot;
  const int64_t whole = layout.head_dim / kGroup;
  for (int64_t i = 0; i < whole; ++i) {
    uint32_t word;
    std::memcpy(&word, key + i * kGroup, sizeof(word));
    words[i * KeyValueLayout::kTokens] = word;
  }
  if (layout.head_dim % kGroup != 0) {
    T last[kGroup] = {key[layout.head_dim - 1]};
    std::memcpy(words + whole * KeyValueLayout::kTokens, last, sizeof(last));
  }
  std::memcpy(values + slot * layout.head_dim, value,
              static_cast<size_t>(layout.head_dim) * sizeof(T));
}

}  // namespace

void WritePagedHead(const KeyValueLayout& layout, int64_t slot, const void* key, const void* value,
                    char* keys, char* values) {
  if (layout.dtype == DType::kBF16) {
    WriteHead(layout, slot, static_cast<const BFloat16*>(key), static_cast<const BFloat16*>(value),
              reinterpret_cast<BFloat16*>(keys), reinterpret_cast<BFloat16*>(values));
  } else {
    WriteHead(layout, slot, static_cast<const float*>(key), static_cast<const float*>(value),
              reinterpret_cast<float*>(keys), reinterpret_cast<float*>(values));
  }
}

}  // namespace attentiond
#endif
