#include "core/ops/attention_packing.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/attention_packing.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

// The most bytes of a token in a panel: AttentionBlocks::kMaxHeadDim floats.
constexpr int64_t kMaxRowBytes = 4096;

// Rows of tokens are too far apart for the processor to foresee a pass over them: asks for the
// memory of those that come a while after the ones done so far, into the second-level cache.
class RowsAhead {
 public:
  RowsAhead(const HeadRows& head, int64_t first, int64_t count)
      : head_(head), next_(first), end_(first + count) {}

  void Fetch(int64_t done_until) {
    const auto bytes = head_.channels * static_cast<int64_t>(ByteSize(head_.dtype));
    for (; next_ < std::min(end_, done_until + kAhead); ++next_) {
      const char* const row = static_cast<const char*>(head_.row(next_));
      for (int64_t i = 0; i < bytes; i += kLine) __builtin_prefetch(row + i, 0, 2);
    }
  }

 private:
  static constexpr int64_t kAhead = 32, kLine = 64;

  const HeadRows& head_;
  int64_t next_;
  const int64_t end_;
};

// Copies a token's channels as `dtype`, and zeros up to `width`.
void CopyChannels(const HeadRows& head, int64_t token, int64_t width, DType dtype, void* y) {
  const void* const x = head.row(token);
  const auto used = static_cast<size_t>(head.channels) * ByteSize(dtype);
  if (head.dtype == dtype) {
    std::memcpy(y, x, used);
  } else {  // to f32
    float* const to = static_cast<float*>(y);
    const auto convert = [&](const auto* from) {
      ForEachVector(head.channels,
                    [=](int64_t i, int64_t n) { Store(Load(from + i, n), to + i, n); });
    };
    if (head.dtype == DType::kBF16) {
      convert(static_cast<const BFloat16*>(x));
    } else {
      convert(static_cast<const Float16*>(x));
    }
  }
  const auto rest = static_cast<size_t>(width) * ByteSize(dtype) - used;
  if (rest > 0) std::memset(static_cast<char*>(y) + used, 0, rest);
}

void CopyTokens(const HeadRows& head, int64_t first, int64_t count, DType dtype, int64_t width,
                int64_t row_stride, void* rows) {
  const int64_t row_bytes = row_stride * static_cast<int64_t>(ByteSize(dtype));
  RowsAhead ahead(head, first, count);
  for (int64_t i = 0; i < count; ++i) {
    ahead.Fetch(first + i);
    CopyChannels(head, first + i, width, dtype, static_cast<char*>(rows) + i * row_bytes);
  }
}

// A token's row as a panel has it: in place where it is so already, else copied to `buffer`.
const void* PanelRow(const HeadRows& head, int64_t token, const Panel& panel, void* buffer) {
  if (head.dtype == panel.dtype && head.channels == panel.width) return head.row(token);
  CopyChannels(head, token, panel.width, panel.dtype, buffer);
  return buffer;
}

// Four rows of words become columns: column w goes to y[w * stride .. + 3].
HWY_INLINE void TransposeFour(const void* const* rows, int64_t word, int64_t stride, uint32_t* y) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t w = 0; w < 4; ++w) {
    for (int64_t r = 0; r < 4; ++r) {
      std::memcpy(y + w * stride + r, static_cast<const uint32_t*>(rows[r]) + word + w,
                  sizeof(uint32_t));
    }
  }
#else
  const hn::FixedTag<uint32_t, 4> words;
  const hn::FixedTag<uint64_t, 2> pairs;
  const auto at = [&](int r) {
    return hn::LoadU(words, reinterpret_cast<const uint32_t*>(rows[r]) + word);
  };
  const auto join = [&](auto low, auto high, auto y01, auto y23) {
    hn::StoreU(hn::BitCast(words, hn::InterleaveLower(pairs, low, high)), words, y01);
    hn::StoreU(hn::BitCast(words, hn::InterleaveUpper(pairs, low, high)), words, y23);
  };
  const auto a = at(0), b = at(1), c = at(2), d = at(3);
  join(hn::BitCast(pairs, hn::InterleaveLower(words, a, b)),
       hn::BitCast(pairs, hn::InterleaveLower(words, c, d)), y, y + stride);
  join(hn::BitCast(pairs, hn::InterleaveUpper(words, a, b)),
       hn::BitCast(pairs, hn::InterleaveUpper(words, c, d)), y + 2 * stride, y + 3 * stride);
#endif
}

// Sixteen rows of words: columns word .. word + 3 go to y[w * stride .. + 15].
HWY_INLINE void TransposeSixteen(const void* const* rows, int64_t word, int64_t stride,
                                 uint32_t* y) {
#if HWY_TARGET == HWY_AVX3
  // Of registers' four blocks, the first are of rows 0 to 3, the second of rows 4 to 7, and so on.
  const auto at = [&](int r) HWY_ATTR {
    const auto load = [&](int row) HWY_ATTR {
      const uint32_t* const from = static_cast<const uint32_t*>(rows[row]) + word;
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    };
    __m512i blocks = _mm512_castsi128_si512(load(r));
    blocks = _mm512_mask_broadcast_i32x4(blocks, 0x00f0, load(4 + r));
    blocks = _mm512_mask_broadcast_i32x4(blocks, 0x0f00, load(8 + r));
    return _mm512_mask_broadcast_i32x4(blocks, 0xf000, load(12 + r));
  };
  const __m512i a = at(0), b = at(1), c = at(2), d = at(3);
  const __m512i low_ab = _mm512_unpacklo_epi32(a, b), high_ab = _mm512_unpackhi_epi32(a, b);
  const __m512i low_cd = _mm512_unpacklo_epi32(c, d), high_cd = _mm512_unpackhi_epi32(c, d);
  _mm512_storeu_si512(y, _mm512_unpacklo_epi64(low_ab, low_cd));
  _mm512_storeu_si512(y + stride, _mm512_unpackhi_epi64(low_ab, low_cd));
  _mm512_storeu_si512(y + 2 * stride, _mm512_unpacklo_epi64(high_ab, high_cd));
  _mm512_storeu_si512(y + 3 * stride, _mm512_unpackhi_epi64(high_ab, high_cd));
#else
  for (int64_t r = 0; r < 16; r += 4) TransposeFour(rows + r, word, stride, y + r);
#endif
}

// A group of bf16 and a float are both 32 bits wide: either is moved as a word. Sixteen keys at a
// time fill whole lines of the cache.
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  constexpr int64_t kKeys = 16;
  alignas(64) char buffers[kKeys][kMaxRowBytes];
  alignas(64) static const char kZeros[kMaxRowBytes] = {};
  const int64_t words = panel.width / (panel.dtype == DType::kBF16 ? 2 : 1);
  RowsAhead ahead(keys, first, count);
  for (int64_t key = 0; key < panel.keys; key += kKeys) {
    ahead.Fetch(first + key);
    const void* rows[kKeys];
    for (int64_t k = 0; k < kKeys; ++k) {
      rows[k] = key + k < count ? PanelRow(keys, first + key + k, panel, buffers[k]) : kZeros;
    }
    uint32_t* const to = static_cast<uint32_t*>(panel.data) + key;
    for (int64_t word = 0; word < words; word += 4) {
      TransposeSixteen(rows, word, panel.keys, to + word * panel.keys);
    }
  }
}

void PackKeyTiles(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  constexpr int64_t kRows = 16, kRowBytes = 64;
  const auto element = static_cast<int64_t>(ByteSize(panel.dtype));
  const int64_t row_bytes = panel.width * element, used = keys.channels * element;
  char* const tiles = static_cast<char*>(panel.data);
  const auto row_of = [=](int64_t key) {
    return tiles + key / kRows * kRows * row_bytes + key % kRows * kRowBytes;
  };
  RowsAhead ahead(keys, first, count);
  for (int64_t key = 0; key < count; ++key) {
    ahead.Fetch(first + key);
    const char* const x = static_cast<const char*>(keys.row(first + key));
    char* const y = row_of(key);
    int64_t byte = 0;
    for (; byte + kRowBytes <= used; byte += kRowBytes) {
      std::memcpy(y + byte * kRows, x + byte, kRowBytes);
    }
    if (byte == row_bytes) continue;
    const auto rest = static_cast<size_t>(used - byte);
    std::memcpy(y + byte * kRows, x + byte, rest);
    std::memset(y + byte * kRows + rest, 0, kRowBytes - rest);
  }
  for (int64_t key = count; key < panel.keys; ++key) {
    for (int64_t byte = 0; byte < row_bytes; byte += kRowBytes) {
      std::memset(row_of(key) + byte * kRows, 0, kRowBytes);
    }
  }
}

// Writes a[0] b[0] a[1] b[1]...; `size` is a multiple of 16.
void Interleave(const uint16_t* a, const uint16_t* b, int64_t size, uint16_t* y) {
  const hn::CappedTag<uint16_t, 16> halves;
  const auto lanes = static_cast<int64_t>(hn::Lanes(halves));
  for (int64_t i = 0; i < size; i += lanes) {
    hn::StoreInterleaved2(hn::LoadU(halves, a + i), hn::LoadU(halves, b + i), halves, y + 2 * i);
  }
}

// Two keys' bf16 become words.
void PackPairs(const HeadRows& values, int64_t first, int64_t count, const Panel& panel,
               RowsAhead* ahead) {
  alignas(64) char buffers[2][kMaxRowBytes];
  alignas(64) static const char kZeros[kMaxRowBytes] = {};
  uint16_t* const to = static_cast<uint16_t*>(panel.data);
  for (int64_t key = 0; key < panel.keys; key += 2) {
    ahead->Fetch(first + key);
    const void* rows[2];
    for (int64_t k = 0; k < 2; ++k) {
      rows[k] = key + k < count ? PanelRow(values, first + key + k, panel, buffers[k]) : kZeros;
    }
    Interleave(static_cast<const uint16_t*>(rows[0]), static_cast<const uint16_t*>(rows[1]),
               panel.width, to + key * panel.width);
  }
}

void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel) {
  RowsAhead ahead(values, first, count);
  if (panel.dtype == DType::kBF16) return PackPairs(values, first, count, panel, &ahead);
  const auto row_bytes = panel.width * static_cast<int64_t>(ByteSize(panel.dtype));
  char* const to = static_cast<char*>(panel.data);
  for (int64_t key = 0; key < count; ++key) {
    ahead.Fetch(first + key);
    CopyChannels(values, first + key, panel.width, panel.dtype, to + key * row_bytes);
  }
  std::memset(to + count * row_bytes, 0, static_cast<size_t>((panel.keys - count) * row_bytes));
}

// The words transposed are what a tile's rows have.
void PackTransposedValues(const HeadRows& values, int64_t first, int64_t count,
                          const Panel& panel) {
  constexpr int64_t kKeys = 32, kPairs = kKeys / 2;
  alignas(64) uint32_t pairs[kPairs * kMaxRowBytes / sizeof(uint32_t)];
  uint32_t* to = static_cast<uint32_t*>(panel.data);
  RowsAhead ahead(values, first, count);
  for (int64_t key = 0; key < panel.keys; key += kKeys) {
    PackPairs(values, first + key, std::clamp<int64_t>(count - key, 0, kKeys),
              {pairs, panel.dtype, kKeys, panel.width}, &ahead);
    const void* rows[kPairs];
    for (int64_t r = 0; r < kPairs; ++r) rows[r] = pairs + r * panel.width;
    for (int64_t channel = 0; channel < panel.width; channel += 4, to += 4 * kPairs) {
      TransposeSixteen(rows, channel, kPairs, to);
    }
  }
}

void TransposeWords(const uint32_t* x, int64_t rows, int64_t columns, uint32_t* y) {
  for (int64_t row = 0; row < rows; row += 16) {
    const void* from[16];
    const int64_t count = std::min<int64_t>(16, rows - row);
    for (int64_t r = 0; r < count; ++r) from[r] = x + (row + r) * columns;
    for (int64_t column = 0; column < columns; column += 4) {
      uint32_t* const to = y + column * rows + row;
      if (count == 16) {
        TransposeSixteen(from, column, rows, to);
      } else {
        for (int64_t r = 0; r < count; r += 4) TransposeFour(from + r, column, rows, to + r);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(CopyTokens);
HWY_EXPORT(PackKeys);
HWY_EXPORT(PackKeyTiles);
HWY_EXPORT(PackTransposedValues);
HWY_EXPORT(PackValues);
HWY_EXPORT(TransposeWords);

void CopyTokens(const HeadRows& head, int64_t first, int64_t count, DType dtype, int64_t width,
                int64_t row_stride, void* rows) {
  HWY_DYNAMIC_DISPATCH(CopyTokens)(head, first, count, dtype, width, row_stride, rows);
}
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(keys, first, count, panel);
}
void PackKeyTiles(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackKeyTiles)(keys, first, count, panel);
}
void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackValues)(values, first, count, panel);
}

void PackTransposedValues(const HeadRows& values, int64_t first, int64_t count,
                          const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackTransposedValues)(values, first, count, panel);
}
void TransposeWords(const uint32_t* x, int64_t rows, int64_t columns, uint32_t* y) {
  HWY_DYNAMIC_DISPATCH(TransposeWords)(x, rows, columns, y);
}

}  // namespace attentiond
#endif
