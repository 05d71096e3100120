// core/ops/vector-inl.h -- vectors of floats over Highway: loads, stores and functions.
//
// Included once per instruction set by the *_kernels.cc sources; see Highway's quick reference.
#if defined(ATTENTIOND_OPS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTENTIOND_OPS_VECTOR_INL_H_
#undef ATTENTIOND_OPS_VECTOR_INL_H_
#else
#define ATTENTIOND_OPS_VECTOR_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "core/tensor/half.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// As many floats as a register has.
using Floats = hn::ScalableTag<float>;
using V = hn::Vec<Floats>;
constexpr Floats kFloats;

HWY_INLINE int64_t Width() { return static_cast<int64_t>(hn::Lanes(kFloats)); }

HWY_INLINE V LoadAll(const float* p) { return hn::LoadU(kFloats, p); }
HWY_INLINE V LoadAll(const BFloat16* p) {
  const hn::Rebind<uint16_t, Floats> halves;
  const hn::RebindToUnsigned<Floats> words;
  const auto bits = hn::PromoteTo(words, hn::LoadU(halves, reinterpret_cast<const uint16_t*>(p)));
  return hn::BitCast(kFloats, hn::ShiftLeft<16>(bits));
}
HWY_INLINE V LoadAll(const Float16* p) {
  const hn::Rebind<hwy::float16_t, Floats> halves;
  return hn::PromoteTo(kFloats, hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(p)));
}

HWY_INLINE void StoreAll(V v, float* p) { hn::StoreU(v, kFloats, p); }
HWY_INLINE void StoreUpperHalves(hn::Vec<hn::RebindToUnsigned<Floats>> bits, BFloat16* p) {
  const hn::RebindToSigned<Floats> integers;
  const hn::Rebind<uint16_t, Floats> halves;
  const auto upper = hn::BitCast(integers, hn::ShiftRight<16>(bits));
  hn::StoreU(hn::DemoteTo(halves, upper), halves, reinterpret_cast<uint16_t*>(p));
}
// What makes dropping the lower half round to nearest even, but for NaN.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Floats>> RoundUpperHalves(V v) {
  const hn::RebindToUnsigned<Floats> words;
  const auto bits = hn::BitCast(words, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  return hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7fff)));
}
// To the nearest bf16, as f32. Halfway cases, one in 2^16, go up.
HWY_INLINE V RoundToBFloat16(V v) {
  const hn::RebindToUnsigned<Floats> words;
  const auto rounded = hn::Add(hn::BitCast(words, v), hn::Set(words, 0x8000));
  return hn::BitCast(kFloats, hn::And(rounded, hn::Set(words, 0xffff0000)));
}

// Rounds to nearest even; `v` is not NaN.
HWY_INLINE void StoreFinite(V v, BFloat16* p) { StoreUpperHalves(RoundUpperHalves(v), p); }
// Rounds to nearest even; a NaN stays one.
HWY_INLINE void StoreAll(V v, BFloat16* p) {
  const hn::RebindToUnsigned<Floats> words;
  const auto quiet = hn::Or(hn::BitCast(words, v), hn::Set(words, 0x400000));
  const auto is_nan = hn::RebindMask(words, hn::IsNaN(v));
  StoreUpperHalves(hn::IfThenElse(is_nan, quiet, RoundUpperHalves(v)), p);
}
#if HWY_TARGET == HWY_AVX3
// bf16 that the processor rounds itself, where it has AVX512_BF16; subnormal numbers become zero.
struct HardwareBFloat16 {
  uint16_t bits;
};
HWY_INLINE V LoadAll(const HardwareBFloat16* p) {
  return LoadAll(reinterpret_cast<const BFloat16*>(p));
}
HWY_INLINE void StoreAll(V v, HardwareBFloat16* p) {
  __m256i rounded;
  // As assembly, because the compiler may use AVX-512 here but not this part of it.
  asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(v.raw));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), rounded);
}
#endif
HWY_INLINE void StoreAll(V v, Float16* p) {
  float lanes[HWY_MAX_BYTES / sizeof(float)];
  hn::StoreU(v, kFloats, lanes);
  for (int64_t i = 0; i < Width(); ++i) p[i] = ToFloat16(lanes[i]);
}

// The first `count` of a register's elements; those past it are 0, or stay as they are in memory.
template <typename T>
HWY_INLINE V Load(const T* p, int64_t count) {
  if (count >= Width()) return LoadAll(p);
  T lanes[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(lanes, p, static_cast<size_t>(count) * sizeof(T));
  return LoadAll(lanes);
}
template <typename T>
HWY_INLINE void Store(V v, T* p, int64_t count) {
  if (count >= Width()) return StoreAll(v, p);
  T lanes[HWY_MAX_BYTES / sizeof(float)];
  StoreAll(v, lanes);
  std::memcpy(p, lanes, static_cast<size_t>(count) * sizeof(T));
}

// body(offset, count) for the registers that `size` elements fill; count is less than Width() in
// the last one only.
template <typename Body>
HWY_INLINE void ForEachVector(int64_t size, Body body) {
  int64_t offset = 0;
  for (; offset + Width() <= size; offset += Width()) body(offset, Width());
  if (offset < size) body(offset, size - offset);
}

// exp(x), relative error 2^-23. Below -87 it is 0, where it would be subnormal and slow; above 88
// it is exp(88), about 2e38, instead of infinity.
HWY_INLINE V Exp(V x) {
  const hn::RebindToSigned<Floats> integers;
  x = hn::Min(x, hn::Set(kFloats, 88.0f));
  // x = n log 2 + r with |r| <= log(2) / 2; log 2 in two parts, so that r keeps its digits.
  const V n = hn::Round(hn::Mul(x, hn::Set(kFloats, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(kFloats, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(kFloats, -2.12194440e-4f), r);
  // exp(r) = 1 + r + r^2 P(r), P minimax on that interval for the relative error of exp: 3e-9.
  V polynomial = hn::Set(kFloats, 0.0013814572f);
  for (const float coefficient : {0.008368714f, 0.04166839f, 0.16666521f, 0.49999994f}) {
    polynomial = hn::MulAdd(polynomial, r, hn::Set(kFloats, coefficient));
  }
  const V exponential = hn::Add(hn::Set(kFloats, 1.0f), hn::MulAdd(hn::Mul(r, r), polynomial, r));
  // Times 2^n: n is added to the exponent bits.
  const auto power = hn::ShiftLeft<23>(hn::ConvertTo(integers, n));
  const auto bits = hn::Add(hn::BitCast(integers, exponential), power);
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(kFloats, -87.0f)), hn::BitCast(kFloats, bits));
}

// The normal distribution's Phi(x) = erfc(-x / sqrt 2) / 2, absolute error 1e-7.
// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
HWY_INLINE V NormalCdf(V x) {
  const V z = hn::Mul(hn::Abs(x), hn::Set(kFloats, 0.70710678f));
  const V one = hn::Set(kFloats, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(z, hn::Set(kFloats, 0.3275911f), one));
  V polynomial = hn::Set(kFloats, 1.061405429f);
  for (const float coefficient : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f}) {
    polynomial = hn::MulAdd(polynomial, t, hn::Set(kFloats, coefficient));
  }
  const V half_erfc =
      hn::Mul(hn::Mul(hn::Mul(polynomial, t), hn::Set(kFloats, 0.5f)), Exp(hn::Neg(hn::Mul(z, z))));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(kFloats)), half_erfc, hn::Sub(one, half_erfc));
}

}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#endif
