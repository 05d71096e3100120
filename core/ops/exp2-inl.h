// core/ops/exp2-inl.h -- 2^x over vectors of floats, for softmax.
//
// Included once per instruction set, after vector-inl.h.
#if defined(ATTENTIOND_OPS_EXP2_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTENTIOND_OPS_EXP2_INL_H_
#undef ATTENTIOND_OPS_EXP2_INL_H_
#else
#define ATTENTIOND_OPS_EXP2_INL_H_
#endif

#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {

// 2^f - 1 + one for f in [0, 1): minimax polynomials for the relative error with 2^0 = 1 exactly,
// found by Remez exchange: 9.4e-8, or 8.6e-5 (a 45th of what rounding to bf16 does) when not
// kExact.
template <bool kExact>
HWY_INLINE V Exp2OfFraction(V f, float one) {
  const auto with = [f](V sum, float coefficient) {
    return hn::MulAdd(sum, f, hn::Set(kFloats, coefficient));
  };
  if constexpr (kExact) {
    V sum = with(hn::Set(kFloats, 0.00186713005f), 0.00901703071f);
    sum = with(with(sum, 0.0557999127f), 0.240164444f);
    return with(with(sum, 0.693151295f), one);
  } else {
    return with(with(with(hn::Set(kFloats, 0.0770670399f), 0.227644995f), 0.695116758f), one);
  }
}

// 2^x for x <= 127; 0 below -126, where numbers are subnormal and slow (when not kExact, they may
// appear). NaN stays NaN. `one` other than 1 changes the mantissa, which is in [1, 2).
template <bool kExact>
HWY_INLINE V Exp2(V x, float one = 1) {
  const V smallest = hn::Set(kFloats, -126.0f);
#if HWY_TARGET == HWY_AVX3
  // x - floor(x), and a multiplication by 2^floor(x): an instruction each.
  const V fraction{_mm512_reduce_ps(x.raw, 0x09)};
  const V power{_mm512_scalef_ps(Exp2OfFraction<kExact>(fraction, one).raw, x.raw)};
  return kExact ? hn::IfThenZeroElse(hn::Lt(x, smallest), power) : power;
#else
  const hn::RebindToSigned<Floats> integers;
  const V floor = hn::Floor(hn::Max(x, smallest));
  const V power = Exp2OfFraction<kExact>(hn::Sub(hn::Max(x, smallest), floor), one);
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(integers, floor));
  const V scaled = hn::BitCast(kFloats, hn::Add(hn::BitCast(integers, power), exponent));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenZeroElse(hn::Lt(x, smallest), scaled));
#endif
}

// The same, not exact, rounded to the nearest bf16, as f32: the mantissa's constant adds half of
// what its last place is worth, and the bits below are dropped. What is not finite stays so.
HWY_INLINE V RoundedExp2(V x) {
  const hn::RebindToUnsigned<Floats> words;
  const auto bits = hn::BitCast(words, Exp2<false>(x, 1 + 0x1p-8f));
  return hn::BitCast(kFloats, hn::And(bits, hn::Set(words, 0xffff0000)));
}

}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#endif
