// core/ops/activation-inl.h -- activations of vectors of floats, and storing them as f32 or bf16.
//
// Included once per instruction set by the *_kernels.cc sources; see Highway's quick reference.
#if defined(ATTENTIOND_OPS_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTENTIOND_OPS_ACTIVATION_INL_H_
#undef ATTENTIOND_OPS_ACTIVATION_INL_H_
#else
#define ATTENTIOND_OPS_ACTIVATION_INL_H_
#endif

#include "core/ops/gelu_table.h"
#include "core/ops/vector-inl.h"
#include "core/tensor/activation_kind.h"
#include "core/tensor/dtype.h"
#include "hwy/highway.h"

#ifndef ATTENTIOND_OPS_ACTIVATION_ONCE_
#define ATTENTIOND_OPS_ACTIVATION_ONCE_
namespace attentiond {

// Whether the processor has AVX512_BF16.
inline bool RoundsBF16InHardware() {
  static const bool has_it = __builtin_cpu_supports("avx512bf16") != 0;
  return has_it;
}

}  // namespace attentiond
#endif

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {

struct Identity {
  HWY_INLINE V operator()(V x) const { return x; }
};
#if HWY_TARGET == HWY_AVX3
// x Phi(x) = max(x, 0) - |x| Phi(-|x|), for results that will be stored as T.
template <typename T>
class GeluErf {
 public:
  using Table = GeluTable<sizeof(T) == sizeof(float) ? 5 : 4>;

  GeluErf() {
    const Table& table = Table::Get();
    for (int k = 0; k < Table::kTerms; ++k) {
      lower_[k] = _mm512_load_ps(table.coefficients[k].data());
      upper_[k] = _mm512_load_ps(table.coefficients[k].data() + 16);
    }
  }
  HWY_INLINE V operator()(V x) const {
    constexpr int kSmallerMagnitude = 0b1010, kOfQuarters = 2 << 4;
    const __m512 a = _mm512_range_ps(x.raw, _mm512_set1_ps(Table::kEnd), kSmallerMagnitude);
    // Adding this rounds to quarters, whose number is then the lowest bits.
    const __m512 rounder = _mm512_set1_ps(0x1.8p21f);
    const __m512i segment = _mm512_castps_si512(_mm512_add_ps(a, rounder));
    const __m512 r = _mm512_reduce_ps(a, kOfQuarters);
    const auto coefficient = [&](int k) {
      return _mm512_permutex2var_ps(lower_[k], segment, upper_[k]);
    };
    __m512 tail = coefficient(Table::kTerms - 1);
    for (int k = Table::kTerms - 2; k >= 0; --k) tail = _mm512_fmadd_ps(tail, r, coefficient(k));
    // In this order a NaN stays one.
    const __m512 positive = _mm512_max_ps(_mm512_setzero_ps(), x.raw);
    return V{_mm512_fnmadd_ps(a, tail, positive)};
  }

 private:
  __m512 lower_[Table::kTerms], upper_[Table::kTerms];
};
#else
template <typename T>
struct GeluErf {
  HWY_INLINE V operator()(V x) const {
    // -12 Phi(-12) is -2e-32; farther out only subnormal numbers follow, which are slow.
    const V clamped = hn::Max(x, hn::Set(kFloats, -12.0f));
    return hn::Mul(clamped, NormalCdf(hn::Min(clamped, hn::Set(kFloats, 12.0f))));
  }
};
#endif
struct GeluTanh {
  // x/2 (1 + tanh z) is x sigmoid(2z), which has one division and no cancellation.
  HWY_INLINE V operator()(V x) const {
    const V cube = hn::Mul(hn::Mul(x, x), hn::Mul(x, hn::Set(kFloats, 0.044715f)));
    const V z = hn::Mul(hn::Add(x, cube), hn::Set(kFloats, -1.5957691216f));  // -2 sqrt(2 / pi)
    return hn::Div(x, hn::Add(hn::Set(kFloats, 1.0f), Exp(z)));
  }
};
struct Relu {
  HWY_INLINE V operator()(V x) const { return hn::Max(x, hn::Zero(kFloats)); }
};
struct Silu {
  HWY_INLINE V operator()(V x) const {
    return hn::Div(x, hn::Add(hn::Set(kFloats, 1.0f), Exp(hn::Neg(x))));
  }
};
struct Tanh {
  HWY_INLINE V operator()(V x) const { return hn::Tanh(kFloats, x); }
};

// visit(function) with the function that `activation` names, for results stored as T.
template <typename T, typename Visit>
HWY_INLINE void VisitActivation(Activation activation, Visit visit) {
  switch (activation) {
    case Activation::kNone:
      return visit(Identity());
    case Activation::kGeluErf:
      return visit(GeluErf<T>());
    case Activation::kGeluTanh:
      return visit(GeluTanh());
    case Activation::kRelu:
      return visit(Relu());
    case Activation::kSilu:
      return visit(Silu());
    case Activation::kTanh:
      return visit(Tanh());
  }
}

// visit(pointer) with `data`, of f32 or bf16, as a pointer to its elements, which will be stored.
template <typename Visit>
HWY_INLINE void VisitStored(DType dtype, void* data, Visit visit) {
  if (dtype == DType::kF32) return visit(static_cast<float*>(data));
#if HWY_TARGET == HWY_AVX3
  if (RoundsBF16InHardware()) return visit(static_cast<HardwareBFloat16*>(data));
#endif
  visit(static_cast<BFloat16*>(data));
}

}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#endif
