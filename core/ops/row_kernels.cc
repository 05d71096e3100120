#include "core/ops/row_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/row_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/activation-inl.h"
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

template <typename T>
void AddValues(const T* x, float scale, int64_t size, float* sum) {
  ForEachVector(size, [=](int64_t i, int64_t count) {
    const V factor = hn::Set(kFloats, scale);
    Store(hn::MulAdd(Load(x + i, count), factor, Load(sum + i, count)), sum + i, count);
  });
}

template <typename From, typename To>
void ConvertValues(const From* x, int64_t size, To* y) {
  ForEachVector(size, [=](int64_t i, int64_t count) { Store(Load(x + i, count), y + i, count); });
}

template <typename T>
void ActivateValues(Activation activation, int64_t size, T* values) {
  VisitActivation<T>(activation, [=](auto function) {
    ForEachVector(size, [=](int64_t i, int64_t count) {
      Store(function(Load(values + i, count)), values + i, count);
    });
  });
}

template <typename T>
void MultiplyValues(const T* x, int64_t size, T* y) {
  ForEachVector(size, [=](int64_t i, int64_t count) {
    Store(hn::Mul(Load(y + i, count), Load(x + i, count)), y + i, count);
  });
}

template <typename T>
void RotateValues(int64_t half, const float* cosines, const float* sines, T* values) {
  ForEachVector(half, [=](int64_t i, int64_t count) {
    const V a = Load(values + i, count), b = Load(values + half + i, count);
    const V cosine = Load(cosines + i, count), sine = Load(sines + i, count);
    Store(hn::NegMulAdd(b, sine, hn::Mul(a, cosine)), values + i, count);
    Store(hn::MulAdd(a, sine, hn::Mul(b, cosine)), values + half + i, count);
  });
}

// The sum of map(x) over a row. Four sums, each of every fourth register, so that an addition does
// not wait for the one before.
template <typename T, typename Map>
HWY_INLINE V SumOfRow(const T* x, int64_t size, Map map) {
  constexpr int kSums = 4;
  const auto zero = hn::Zero(kFloats);
  V a = zero, b = zero, c = zero, d = zero;
  int64_t i = 0;
  for (; i + kSums * Width() <= size; i += kSums * Width()) {
    a = hn::Add(a, map(LoadAll(x + i)));
    b = hn::Add(b, map(LoadAll(x + i + Width())));
    c = hn::Add(c, map(LoadAll(x + i + 2 * Width())));
    d = hn::Add(d, map(LoadAll(x + i + 3 * Width())));
  }
  for (; i + Width() <= size; i += Width()) a = hn::Add(a, map(LoadAll(x + i)));
  if (i < size) {
    // Lanes past the row's end are 0, and map(0) must not count.
    const auto inside = hn::FirstN(kFloats, static_cast<size_t>(size - i));
    b = hn::Add(b, hn::IfThenElseZero(inside, map(Load(x + i, size - i))));
  }
  return hn::SumOfLanes(kFloats, hn::Add(hn::Add(a, b), hn::Add(c, d)));
}

template <typename T>
void NormalizeValues(const NormRow& row, T* y) {
  const T* const x = static_cast<const T*>(row.x);
  const float inverse_width = 1.0f / static_cast<float>(row.width);
  V mean = hn::Zero(kFloats);
  if (row.subtract_mean) {
    mean = hn::Mul(SumOfRow(x, row.width, [](V v) { return v; }), hn::Set(kFloats, inverse_width));
  }
  const V squares = SumOfRow(x, row.width, [mean](V v) {
    const V deviation = hn::Sub(v, mean);
    return hn::Mul(deviation, deviation);
  });
  const float variance = hn::GetLane(squares) * inverse_width;
  const V inverse = hn::Set(kFloats, 1.0f / std::sqrt(variance + row.epsilon));
  ForEachVector(row.width, [&](int64_t i, int64_t count) {
    const V normed = hn::Mul(hn::Sub(Load(x + i, count), mean), inverse);
    Store(hn::MulAdd(normed, Load(row.gamma + i, count), Load(row.beta + i, count)), y + i, count);
  });
}

template <typename T, typename Function>
void FinishRowsAs(int64_t count, TileResult* result) {
  const Function function;
  const int64_t tile_stride = result->tile_stride, y_stride = result->y_stride;
  ForEachVector(result->columns, [&](int64_t column, int64_t width) {
    const V bias = Load(result->bias + column, width);
    const float* tile = result->tile + column;
    T* y = static_cast<T*>(result->y) + column;
    if (result->residual == nullptr) {
      for (int64_t row = 0; row < count; ++row, tile += tile_stride, y += y_stride) {
        Store(function(hn::Add(Load(tile, width), bias)), y, width);
      }
      return;
    }
    const T* residual = static_cast<const T*>(result->residual) + column;
    for (int64_t row = 0; row < count; ++row, tile += tile_stride, y += y_stride) {
      const V value = function(hn::Add(Load(tile, width), bias));
      Store(hn::Add(value, Load(residual, width)), y, width);
      residual += y_stride;
    }
  });
  result->SkipRows(count);
}

// visit(pointer) with `data` as a pointer to its elements.
template <typename Visit>
HWY_INLINE void VisitValues(DType dtype, const void* data, Visit visit) {
  if (dtype == DType::kF32) return visit(static_cast<const float*>(data));
  if (dtype == DType::kBF16) return visit(static_cast<const BFloat16*>(data));
  visit(static_cast<const Float16*>(data));
}

void AddRow(const void* x, DType dtype, float scale, int64_t size, float* sum) {
  VisitValues(dtype, x, [=](const auto* values) { AddValues(values, scale, size, sum); });
}

void LoadRow(const void* x, DType dtype, int64_t size, float* y) {
  VisitValues(dtype, x, [=](const auto* values) { ConvertValues(values, size, y); });
}

void StoreRow(const float* x, int64_t size, DType dtype, void* y) {
  if (dtype == DType::kF16) return ConvertValues(x, size, static_cast<Float16*>(y));
  VisitStored(dtype, y, [=](auto* values) { ConvertValues(x, size, values); });
}

void ActivateRow(Activation activation, DType dtype, int64_t size, void* values) {
  VisitStored(dtype, values, [=](auto* data) { ActivateValues(activation, size, data); });
}

void MultiplyRow(const void* x, DType dtype, int64_t size, void* y) {
  VisitStored(dtype, y, [=]<typename T>(T* values) {
    MultiplyValues(static_cast<const T*>(x), size, values);
  });
}

void RotateRow(DType dtype, int64_t size, const float* rotations, void* values) {
  VisitStored(dtype, values,
              [=](auto* data) { RotateValues(size / 2, rotations, rotations + size / 2, data); });
}

void NormalizeRow(const NormRow& row) {
  VisitStored(row.dtype, row.y, [&](auto* y) { NormalizeValues(row, y); });
}

FinishRows ChooseFinishRows(Activation activation, DType dtype) {
  FinishRows chosen = nullptr;
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

HWY_EXPORT(AddRow);
HWY_EXPORT(LoadRow);
HWY_EXPORT(StoreRow);
HWY_EXPORT(ActivateRow);
HWY_EXPORT(MultiplyRow);
HWY_EXPORT(RotateRow);
HWY_EXPORT(NormalizeRow);
HWY_EXPORT(ChooseFinishRows);

void AddRow(const void* x, DType dtype, float scale, int64_t size, float* sum) {
  HWY_DYNAMIC_DISPATCH(AddRow)(x, dtype, scale, size, sum);
}
void LoadRow(const void* x, DType dtype, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(LoadRow)(x, dtype, size, y);
}
void StoreRow(const float* x, int64_t size, DType dtype, void* y) {
  HWY_DYNAMIC_DISPATCH(StoreRow)(x, size, dtype, y);
}
void ActivateRow(Activation activation, DType dtype, int64_t size, void* values) {
  HWY_DYNAMIC_DISPATCH(ActivateRow)(activation, dtype, size, values);
}
void MultiplyRow(const void* x, DType dtype, int64_t size, void* y) {
  HWY_DYNAMIC_DISPATCH(MultiplyRow)(x, dtype, size, y);
}
void RotateRow(DType dtype, int64_t size, const float* rotations, void* values) {
  HWY_DYNAMIC_DISPATCH(RotateRow)(dtype, size, rotations, values);
}
void NormalizeRow(const NormRow& row) { HWY_DYNAMIC_DISPATCH(NormalizeRow)(row); }
FinishRows ChooseFinishRows(Activation activation, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(ChooseFinishRows)(activation, dtype);
}
void FinishTile(const TileResult& result) {
  TileResult all = result;
  ChooseFinishRows(result.activation, result.dtype)(result.rows, &all);
}

}  // namespace attentiond
#endif
