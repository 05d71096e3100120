#include "core/ops/int8_kernels.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/reference/quantized_linear.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/int8_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/activation-inl.h"
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

const hn::RebindToSigned<Floats> kIntegers;
const hn::RebindToUnsigned<Floats> kWords;
using Words = hn::Vec<hn::RebindToUnsigned<Floats>>;

// The bits of max |x|. Without the sign, bits of floats are in the order of the floats, and those
// of infinities and NaNs come last.
template <typename Bits>
Bits LargestMagnitude(const void* x, int64_t size) {
  constexpr Bits kMagnitude = static_cast<Bits>(~Bits{0}) >> 1;
  const hn::ScalableTag<Bits> tag;
  const auto* const bits = static_cast<const Bits*>(x);
  const auto width = static_cast<int64_t>(hn::Lanes(tag));
  const auto magnitude = hn::Set(tag, kMagnitude);
  auto largest = hn::Zero(tag), other = largest;
  int64_t i = 0;
  for (; i + 2 * width <= size; i += 2 * width) {
    largest = hn::Max(largest, hn::And(hn::LoadU(tag, bits + i), magnitude));
    other = hn::Max(other, hn::And(hn::LoadU(tag, bits + i + width), magnitude));
  }
  Bits result = hn::GetLane(hn::MaxOfLanes(tag, hn::Max(largest, other)));
  for (; i < size; ++i) {
    const auto rest = static_cast<Bits>(bits[i] & kMagnitude);
    if (rest > result) result = rest;
  }
  return result;
}
float LargestOf(const BFloat16* x, int64_t size) {
  return ToFloat(BFloat16{LargestMagnitude<uint16_t>(x, size)});
}
float LargestOf(const float* x, int64_t size) {
  return std::bit_cast<float>(LargestMagnitude<uint32_t>(x, size));
}

// Two registers' worth of numbers: those at even places and those at odd ones.
HWY_INLINE void LoadPairs(const BFloat16* x, V& even, V& odd) {
  const Words pairs = hn::LoadU(kWords, reinterpret_cast<const uint32_t*>(x));
  even = hn::BitCast(kFloats, hn::ShiftLeft<16>(pairs));
  odd = hn::BitCast(kFloats, hn::And(pairs, hn::Set(kWords, 0xffff0000u)));
}
HWY_INLINE void LoadPairs(const float* x, V& even, V& odd) {
  hn::LoadInterleaved2(kFloats, x, even, odd);
}

// The lowest bytes of a, b, c and d side by side.
HWY_INLINE Words PackLowestBytes(Words a, Words b, Words c, Words d) {
  const Words byte = hn::Set(kWords, 0xffu), half = hn::Set(kWords, 0xffffu);
  const Words ab = hn::IfVecThenElse(byte, a, hn::ShiftLeft<8>(b));
  const Words cd = hn::IfVecThenElse(byte, c, hn::ShiftLeft<8>(d));
  return hn::IfVecThenElse(half, ab, hn::ShiftLeft<16>(cd));
}

// Quantises one piece.
template <typename T>
HWY_INLINE void QuantizePiece(const T* x, V inverse, uint8_t* q) {
  // Adding 1.5 * 2^23 rounds to an integer, which then is in the lowest bits; 128 makes it
  // positive.
  const V rounder = hn::Set(kFloats, 0x1.8p23f + kInt8Zero);
  const auto quantized = [=](V value) {
    return hn::BitCast(kWords, hn::MulAdd(value, inverse, rounder));
  };
  for (int64_t i = 0; i < kInt8Piece; i += 4 * Width()) {
    V a, b, c, d;
    LoadPairs(x + i, a, b);
    LoadPairs(x + i + 2 * Width(), c, d);
    hn::StoreU(PackLowestBytes(quantized(a), quantized(b), quantized(c), quantized(d)), kWords,
               reinterpret_cast<uint32_t*>(q + i));
  }
}

template <typename T>
float QuantizeValues(const T* x, int64_t size, uint8_t* q, int64_t piece_stride) {
  const float largest = LargestOf(x, size);
  if (largest < reference::kSmallestQuantized || !std::isfinite(largest)) {
    for (int64_t i = 0; i < size; i += kInt8Piece, q += piece_stride) {
      std::memset(q, kInt8Zero, kInt8Piece);
    }
    return std::isfinite(largest) ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const V inverse = hn::Set(kFloats, 127 / largest);
  int64_t i = 0;
  for (; i + kInt8Piece <= size; i += kInt8Piece, q += piece_stride) {
    QuantizePiece(x + i, inverse, q);
  }
  if (i < size) {
    T last[kInt8Piece] = {};
    std::memcpy(last, x + i, static_cast<size_t>(size - i) * sizeof(T));
    QuantizePiece(last, inverse, q);
  }
  return largest / 127;
}

float QuantizeRow(const void* x, DType dtype, int64_t size, uint8_t* q, int64_t piece_stride) {
  if (dtype == DType::kBF16) {
    return QuantizeValues(static_cast<const BFloat16*>(x), size, q, piece_stride);
  }
  return QuantizeValues(static_cast<const float*>(x), size, q, piece_stride);
}

template <typename T, typename Function>
void FinishRowsAs(const Int8Sums& of, int64_t first, int64_t count) {
  const Function function;
  const int64_t sums_stride = of.sums_stride, y_stride = of.y_stride;
  const float* const row_scales = of.row_scales + first;
  ForEachVector(of.columns, [&](int64_t column, int64_t width) {
    const V column_scale = LoadAll(of.column_scales + column);
    const V bias = Load(of.bias + column, width);
    const int32_t* sums = of.sums + first * sums_stride + column;
    T* y = static_cast<T*>(of.y) + first * y_stride + column;
    const T* residual = of.residual == nullptr
                            ? nullptr
                            : static_cast<const T*>(of.residual) + first * y_stride + column;
    for (int64_t row = 0; row < count; ++row, sums += sums_stride, y += y_stride) {
      const V sum = hn::ConvertTo(kFloats, hn::LoadU(kIntegers, sums));
      const V row_scale = hn::Set(kFloats, row_scales[row]);
      V value = function(hn::MulAdd(hn::Mul(sum, column_scale), row_scale, bias));
      if (residual != nullptr) {
        value = hn::Add(value, Load(residual, width));
        residual += y_stride;
      }
      Store(value, y, width);
    }
  });
}

FinishInt8Rows ChooseFinishInt8Rows(Activation activation, DType dtype) {
  FinishInt8Rows chosen = nullptr;
  VisitStored(dtype, nullptr, [&]<typename T>(T*) {
    VisitActivation<T>(activation,
                       [&]<typename Function>(Function) { chosen = &FinishRowsAs<T, Function>; });
  });
  return chosen;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(QuantizeRow);
HWY_EXPORT(ChooseFinishInt8Rows);

float QuantizeRow(const void* x, DType dtype, int64_t size, uint8_t* q, int64_t piece_stride) {
  return HWY_DYNAMIC_DISPATCH(QuantizeRow)(x, dtype, size, q, piece_stride);
}
FinishInt8Rows ChooseFinishInt8Rows(Activation activation, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(ChooseFinishInt8Rows)(activation, dtype);
}

}  // namespace attentiond
#endif
