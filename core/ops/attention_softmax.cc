#include "core/ops/attention_softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/attention_softmax.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/exp2-inl.h"
#include "core/ops/vector-inl.h"
#include "core/tensor/element.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr double kLog2E = 1.4426950408889634;
// Scores beyond which f32 is not precise enough; those of trained models mostly are below.
constexpr double kPreciseFrom = 16;
// How far ahead of the base, in powers of two, a score may be.
constexpr double kMaxLead = 8;

// ---- From products to scores ----

// What a row's scores are to be multiplied by, and what subtracted, to have their exponents.
struct Exponents {
  float factor[SoftmaxState::kMaxRows], base[SoftmaxState::kMaxRows];
};

// A row's visible columns in a tile, and those around them that fill pairs of registers.
struct Columns {
  Columns(const ScoreRow& row, const ScoreTile& tile) {
    const int64_t step = 2 * Width();
    begin = std::clamp<int64_t>(row.visible_begin - tile.first_key, 0, tile.columns);
    end = std::clamp<int64_t>(row.visible_end - tile.first_key, begin, tile.columns);
    first = begin / step * step;
    last = begin == end ? first : (end + step - 1) / step * step;
  }
  // All of a tile's.
  explicit Columns(int64_t count) : begin(0), end(count), first(0), last(count) {}
  int64_t begin, end, first, last;
};

// Which of the columns from `column` are visible.
HWY_INLINE hn::Mask<Floats> VisibleLanes(const Columns& columns, int64_t column) {
  const hn::RebindToSigned<Floats> integers;
  const auto lanes = hn::Iota(integers, 0);
  const auto begin = hn::Set(integers, static_cast<int32_t>(columns.begin - column));
  const auto end = hn::Set(integers, static_cast<int32_t>(columns.end - column));
  return hn::RebindMask(kFloats, hn::AndNot(hn::Lt(lanes, begin), hn::Lt(lanes, end)));
}

HWY_INLINE bool IsEdge(const Columns& columns, int64_t column) {
  return column < columns.begin || column + Width() > columns.end;
}

// Masks what the first and the last registers have beyond the visible columns.
void MaskEdges(const Columns& columns, float* scores) {
  const V masked = hn::Set(kFloats, kMasked);
  const auto mask_from = [&](int64_t from, int64_t to) {
    for (int64_t column = from; column < to; column += Width()) {
      const V score = hn::LoadU(kFloats, scores + column);
      hn::StoreU(hn::IfThenElse(VisibleLanes(columns, column), score, masked), kFloats,
                 scores + column);
    }
  };
  const int64_t step = 2 * Width();
  if (columns.begin > columns.first) mask_from(columns.first, columns.first + step);
  if (columns.end < columns.last) mask_from(columns.last - step, columns.last);
}

// Bias and mask of the keys from `key`, as something to add; only the first `count` count.
HWY_INLINE V Additive(const ScoreRules& rules, const ScoreRow& row, int64_t key, int64_t count) {
  if (row.mask == nullptr && rules.bias_stride == 1) return Load(row.bias + key, count);
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)] = {};
  for (int64_t i = 0; i < std::min(count, Width()); ++i) {
    const float bias = row.bias == nullptr ? 0 : row.bias[(key + i) * rules.bias_stride];
    const bool masked = row.mask != nullptr && !row.mask[(key + i) * rules.mask_stride];
    lanes[i] = masked ? kMasked : bias;
  }
  return hn::Load(kFloats, lanes);
}

// Scales, caps, adds bias and mask. False: a score was not finite before bias and mask.
template <bool kCap, bool kAdd>
bool TransformRow(const ScoreRules& rules, const ScoreRow& row, const Columns& columns,
                  int64_t first_key, float* scores) {
  const V scale = hn::Set(kFloats, static_cast<float>(rules.scale)), zero = hn::Zero(kFloats);
  const V cap = hn::Set(kFloats, static_cast<float>(rules.softcap));
  const V inverse_cap = hn::Set(kFloats, static_cast<float>(kCap ? 1 / rules.softcap : 0));
  const V masked = hn::Set(kFloats, kMasked);
  V check = zero;  // becomes NaN
  for (int64_t column = columns.first; column < columns.last; column += Width()) {
    const bool edge = IsEdge(columns, column);
    V score = hn::Mul(hn::LoadU(kFloats, scores + column), scale);
    if (edge) score = hn::IfThenElseZero(VisibleLanes(columns, column), score);
    check = hn::MulAdd(score, zero, check);
    if constexpr (kCap) {
      score = hn::Mul(hn::Tanh(kFloats, hn::Mul(score, inverse_cap)), cap);
    }
    if constexpr (kAdd) {
      if (column < columns.end) {
        score = hn::Add(score, Additive(rules, row, first_key + column, columns.end - column));
      }
    }
    if (edge) score = hn::IfThenElse(VisibleLanes(columns, column), score, masked);
    hn::StoreU(score, kFloats, scores + column);
  }
  return !std::isnan(hn::GetLane(hn::SumOfLanes(kFloats, check)));
}

bool Transform(const ScoreRules& rules, const ScoreRow& row, const Columns& columns,
               int64_t first_key, float* scores) {
  const bool add = row.bias != nullptr || row.mask != nullptr;
  if (rules.softcap > 0) {
    return add ? TransformRow<true, true>(rules, row, columns, first_key, scores)
               : TransformRow<true, false>(rules, row, columns, first_key, scores);
  }
  return add ? TransformRow<false, true>(rules, row, columns, first_key, scores)
             : TransformRow<false, false>(rules, row, columns, first_key, scores);
}

// The maxima of the columns [begin, end), a multiple of two registers, by lanes.
HWY_INLINE V MaxLanes(int64_t begin, int64_t end, const float* scores) {
  V even = hn::Set(kFloats, kMasked), odd = even;
  for (int64_t column = begin; column < end; column += 2 * Width()) {
    even = hn::Max(even, hn::LoadU(kFloats, scores + column));
    odd = hn::Max(odd, hn::LoadU(kFloats, scores + column + Width()));
  }
  return hn::Max(even, odd);
}

// Whether scores are the products times a positive scale.
bool IsPlain(const ScoreRules& rules, const ScoreRow& row) {
  return row.bias == nullptr && row.mask == nullptr && rules.softcap == 0 && rules.scale > 0;
}

// Sets a row's base and scales its sums accordingly.
void SetBase(double base, int64_t r, SoftmaxState* state) {
  const double old_base = state->base[r];
  state->base[r] = base;
  if (base == old_base || old_base == -std::numeric_limits<double>::infinity()) return;
  const auto rescale = static_cast<float>(std::exp2(old_base - base));
  state->rescale[r] = rescale;
  for (auto* sums : {state->sums[r], state->exact_sums[r]}) {
    for (int64_t i = 0; i < SoftmaxState::kLanes; ++i) sums[i] *= rescale;
  }
}

// The base of a row whose largest score has this exponent, which is not finite where a product was
// not. One that overflows downwards is told apart here; upwards it shows in the sums, as infinity
// less infinity.
void RaiseBase(double exponent, int64_t r, SoftmaxState* state) {
  if (exponent == double{kMasked}) {
    state->finite[r] = false;
  } else if (!(exponent <= state->base[r] + kMaxLead)) {
    SetBase(exponent, r, state);
  }
}

// ---- Scores in double ----

double PreciseScore(const ScoreRules& rules, const ScoreRow& row, const HeadRows& keys,
                    int64_t key) {
  double score = 0;
  for (int64_t d = 0; d < keys.channels; ++d) {
    score += double{LoadElement(row.query, keys.dtype, d)} *
             double{LoadElement(keys.row(key), keys.dtype, d)};
  }
  score *= rules.scale;
  if (rules.softcap > 0) score = rules.softcap * std::tanh(score / rules.softcap);
  if (row.bias != nullptr) score += double{row.bias[key * rules.bias_stride]};
  return score;
}

// Subtracts from all scores what becomes the row's base, and returns that; scores near the maximum
// are exact to f32. Farther ones count for nothing: exp(-12) of a relative error of 2^-24 |max|.
double SubtractPrecisely(const ScoreRules& rules, const ScoreRow& row, const ScoreTile& tile,
                         const Columns& columns, double base, double max, float* scores) {
  const double near = max - 12 - std::abs(max) * 0x1p-18;
  double precise_max = -std::numeric_limits<double>::infinity();
  const auto precise = [&](int64_t column) {
    return PreciseScore(rules, row, *tile.keys, tile.first_key + column);
  };
  for (int64_t column = columns.begin; column < columns.end; ++column) {
    if (double{scores[column]} >= near) precise_max = std::max(precise_max, precise(column));
  }
  if (!(precise_max * kLog2E <= base + kMaxLead)) base = precise_max * kLog2E;
  for (int64_t column = columns.begin; column < columns.end; ++column) {
    const double score = double{scores[column]} >= near ? precise(column) : double{scores[column]};
    scores[column] = static_cast<float>(score - base / kLog2E);
  }
  return base;
}

// ---- A tile ----

// A row's part before the exponentials: its scores, its base, and what that makes of the sums so
// far.
void PrepareRow(const ScoreRules& rules, const ScoreRow& row, const ScoreTile& tile, int64_t r,
                SoftmaxState* state, Exponents* exponents) {
  state->rescale[r] = 1;
  exponents->factor[r] = static_cast<float>(kLog2E);
  exponents->base[r] = 0;
  const Columns columns(row, tile);
  if (columns.begin == columns.end) return;
  float* const scores = tile.scores + r * tile.stride;
  const bool plain = IsPlain(rules, row);
  const auto scale = plain ? static_cast<float>(rules.scale) : 1.0f;
  if (plain) {
    MaskEdges(columns, scores);
  } else if (!Transform(rules, row, columns, tile.first_key, scores)) {
    state->finite[r] = false;
  }
  const V lanes = MaxLanes(columns.first, columns.last, scores);
  const float max = hn::GetLane(hn::MaxOfLanes(kFloats, lanes)) * scale;
  if (max == kMasked && !plain) return;
  const double base = state->base[r];
  if (rules.precise && std::abs(max) <= std::numeric_limits<float>::max() &&
      std::max<double>(std::abs(max), base / kLog2E) > kPreciseFrom) {
    if (plain) {
      for (int64_t column = columns.begin; column < columns.end; ++column) scores[column] *= scale;
    }
    SetBase(SubtractPrecisely(rules, row, tile, columns, base, double{max}, scores), r, state);
    return;
  }
  RaiseBase(double{max * static_cast<float>(kLog2E)}, r, state);
  exponents->factor[r] = static_cast<float>(double{scale} * kLog2E);
  if (state->base[r] != double{kMasked}) exponents->base[r] = static_cast<float>(state->base[r]);
}

// Two registers of floats that are bf16 already.
HWY_INLINE void StoreBFloat16Pair(V low, V high, uint16_t* y) {
#if HWY_TARGET == HWY_AVX3
  const hn::Full512<uint16_t> halves;
  const auto odd = hn::Iota(hn::Full512<int16_t>(), 0);
  const auto index = hn::Add(hn::Add(odd, odd), hn::Set(hn::Full512<int16_t>(), 1));
  const hn::Vec<hn::Full512<uint16_t>> packed{_mm512_permutex2var_epi16(
      _mm512_castps_si512(low.raw), index.raw, _mm512_castps_si512(high.raw))};
  hn::StoreU(packed, halves, y);
#else
  const hn::RebindToUnsigned<Floats> words;
  StoreUpperHalves(hn::BitCast(words, low), reinterpret_cast<BFloat16*>(y));
  StoreUpperHalves(hn::BitCast(words, high), reinterpret_cast<BFloat16*>(y) + Width());
#endif
}

void ZeroColumns(DType dtype, int64_t begin, int64_t end, float* scores) {
  const auto element = static_cast<int64_t>(ByteSize(dtype));
  std::memset(reinterpret_cast<char*>(scores) + begin * element, 0,
              static_cast<size_t>((end - begin) * element));
}

// Exponentials in place. Those in bf16 take half the space: writing runs behind reading.
template <bool kBF16, bool kExact>
HWY_INLINE void ExponentiateRow(const Columns& columns, float factor, float base, float* scores,
                                float* sums, float* exact_sums, float* weights,
                                int64_t num_weights) {
  const V factors = hn::Set(kFloats, factor), bases = hn::Set(kFloats, base);
  uint16_t* const halves = reinterpret_cast<uint16_t*>(scores);
  V sum = hn::LoadU(kFloats, sums), other_sum = hn::Zero(kFloats);
  V exact_sum = hn::LoadU(kFloats, exact_sums);
  for (int64_t column = columns.first; column < columns.last; column += 2 * Width()) {
    const V low_score = hn::LoadU(kFloats, scores + column);
    const V high_score = hn::LoadU(kFloats, scores + column + Width());
    const auto exponentiate = [=](V score) HWY_ATTR {
      const V x = hn::MulSub(score, factors, bases);
      if constexpr (kBF16 && !kExact) return RoundedExp2(x);
      return Exp2<kExact>(x);
    };
    V low = exponentiate(low_score), high = exponentiate(high_score);
    if constexpr (kExact) {
      if (weights != nullptr) {
        Store(low, weights + column, std::max<int64_t>(0, num_weights - column));
        Store(high, weights + column + Width(),
              std::max<int64_t>(0, num_weights - column - Width()));
      }
    }
    if constexpr (kBF16) {
      if constexpr (kExact) {
        exact_sum = hn::Add(exact_sum, hn::Add(low, high));
        low = RoundToBFloat16(low);
        high = RoundToBFloat16(high);
      }
      StoreBFloat16Pair(low, high, halves + column);
    } else {
      hn::StoreU(low, kFloats, scores + column);
      hn::StoreU(high, kFloats, scores + column + Width());
    }
    sum = hn::Add(sum, low);
    other_sum = hn::Add(other_sum, high);
  }
  hn::StoreU(hn::Add(sum, other_sum), kFloats, sums);
  if constexpr (kBF16 && kExact) hn::StoreU(exact_sum, kFloats, exact_sums);
}

template <bool kBF16, bool kExact>
void ExponentiateTile(const ScoreRow* rows, int64_t num_rows, const ScoreTile& tile,
                      const Exponents& exponents, SoftmaxState* state) {
  constexpr DType kType = kBF16 ? DType::kBF16 : DType::kF32;
  for (int64_t r = 0; r < num_rows; ++r) {
    const ScoreRow& row = rows[r];
    const Columns columns(row, tile);
    float* const scores = tile.scores + r * tile.stride;
    ExponentiateRow<kBF16, kExact>(columns, exponents.factor[r], exponents.base[r], scores,
                                   state->sums[r], state->exact_sums[r],
                                   row.weights == nullptr ? nullptr : row.weights + tile.first_key,
                                   columns.end);
    if (columns.first > 0) ZeroColumns(kType, 0, columns.first, scores);
    if (columns.last < tile.columns) ZeroColumns(kType, columns.last, tile.columns, scores);
  }
}

// Most tiles are whole and of plain products: what there is to do for a row is little.
template <bool kExact>
bool AddWholeBFloat16Tile(float scale, int64_t num_rows, const ScoreTile& tile,
                          SoftmaxState* state) {
  const auto factor = static_cast<float>(double{scale} * kLog2E);
  float bases[SoftmaxState::kMaxRows];
  bool rescaled = false;
  for (int64_t r = 0; r < num_rows; ++r) {
    const V max = MaxLanes(0, tile.columns, tile.scores + r * tile.stride);
    state->rescale[r] = 1;
    const V limit = hn::Set(kFloats, static_cast<float>(state->base[r] + kMaxLead));
    const V exponents = hn::Mul(max, hn::Set(kFloats, factor));
    if (!hn::AllTrue(kFloats, hn::Lt(exponents, limit))) {
      RaiseBase(double{hn::GetLane(hn::MaxOfLanes(kFloats, exponents))}, r, state);
      rescaled |= state->rescale[r] != 1;
    }
    bases[r] = static_cast<float>(state->base[r]);
  }
  const Columns columns(tile.columns);
  for (int64_t r = 0; r < num_rows; ++r) {
    ExponentiateRow<true, kExact>(columns, factor, bases[r], tile.scores + r * tile.stride,
                                  state->sums[r], state->exact_sums[r], nullptr, 0);
  }
  return rescaled;
}

bool AddTile(const ScoreRules& rules, const ScoreRow* rows, int64_t num_rows, const ScoreTile& tile,
             SoftmaxState* state) {
  if (tile.whole && IsPlain(rules, rows[0]) && !rules.precise && rules.dtype == DType::kBF16 &&
      rows[0].weights == nullptr) {
    const auto scale = static_cast<float>(rules.scale);
    return rules.exact ? AddWholeBFloat16Tile<true>(scale, num_rows, tile, state)
                       : AddWholeBFloat16Tile<false>(scale, num_rows, tile, state);
  }
  Exponents exponents;
  bool rescaled = false;
  // All maxima first: they are independent of each other, while an exponential waits for its base.
  for (int64_t r = 0; r < num_rows; ++r) {
    PrepareRow(rules, rows[r], tile, r, state, &exponents);
    rescaled |= state->rescale[r] != 1;
  }
  if (rules.dtype == DType::kF32) {
    ExponentiateTile<false, true>(rows, num_rows, tile, exponents, state);
  } else if (rules.exact) {
    ExponentiateTile<true, true>(rows, num_rows, tile, exponents, state);
  } else {
    ExponentiateTile<true, false>(rows, num_rows, tile, exponents, state);
  }
  return rescaled;
}

// ---- Rows of sums ----

float SumRow(const float* lanes) {
  V sum = hn::Zero(kFloats);
  for (int64_t i = 0; i < SoftmaxState::kLanes; i += Width()) {
    sum = hn::Add(sum, hn::LoadU(kFloats, lanes + i));
  }
  return hn::GetLane(hn::SumOfLanes(kFloats, sum));
}

void ScaleValues(float factor, int64_t size, float* values) {
  const V factors = hn::Set(kFloats, factor);
  ForEachVector(size, [=](int64_t i, int64_t count) {
    Store(hn::Mul(Load(values + i, count), factors), values + i, count);
  });
}

void RescaleRows(const float* rescale, int64_t num_rows, int64_t width, float* sums) {
  for (int64_t r = 0; r < num_rows; ++r) {
    if (rescale[r] != 1) ScaleValues(rescale[r], width, sums + r * width);
  }
}

template <typename T>
uint32_t StoreRowsAs(const FinishedRows& rows) {
  uint32_t wrong = 0;
  for (int64_t i = 0; i < rows.count; ++i) {
    const RowSummary& summary = rows.summaries[i * rows.step];
    const float* const sums = rows.sums + i * rows.step * rows.width;
    T* const y = static_cast<T*>(rows.y) + i * rows.y_stride;
    const V factor = hn::Set(kFloats, summary.inverse_sum()), zero = hn::Zero(kFloats);
    V check = zero;  // becomes NaN
    ForEachVector(rows.size, [&](int64_t at, int64_t count) {
      const V values = hn::Mul(Load(sums + at, count), factor);
      check = hn::MulAdd(values, zero, check);
      if constexpr (std::is_same_v<T, BFloat16>) {
        // What it makes of a NaN does not matter: the row is done again.
        if (count == Width()) return StoreFinite(values, y + at);
      }
      Store(values, y + at, count);
    });
    const bool finite = hn::AllFalse(kFloats, hn::IsNaN(check));
    if (!finite || !summary.finite) wrong |= uint32_t{1} << i;
  }
  return wrong;
}

uint32_t StoreRows(const FinishedRows& rows) {
  if (rows.dtype == DType::kF32) return StoreRowsAs<float>(rows);
  if (rows.dtype == DType::kBF16) return StoreRowsAs<BFloat16>(rows);
  return StoreRowsAs<Float16>(rows);
}

void EndSoftmax(const ScoreRules& rules, const SoftmaxState& state, int64_t num_rows,
                RowSummary* summaries) {
  const bool rounded = rules.dtype != DType::kF32 && rules.exact;
  for (int64_t r = 0; r < num_rows; ++r) {
    RowSummary& summary = summaries[r];
    summary = {.base = state.base[r], .finite = state.finite[r]};
    if (summary.base == -std::numeric_limits<double>::infinity()) continue;
    summary.sum = SumRow(state.sums[r]);
    summary.exact_sum = rounded ? SumRow(state.exact_sums[r]) : summary.sum;
    summary.finite = summary.finite && std::isfinite(summary.sum);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(AddTile);
HWY_EXPORT(EndSoftmax);
HWY_EXPORT(RescaleRows);
HWY_EXPORT(ScaleValues);
HWY_EXPORT(StoreRows);

void BeginSoftmax(int64_t rows, SoftmaxState* state) {
  std::fill_n(&state->sums[0][0], rows * SoftmaxState::kLanes, 0.0f);
  std::fill_n(&state->exact_sums[0][0], rows * SoftmaxState::kLanes, 0.0f);
  std::fill_n(state->base, rows, -std::numeric_limits<double>::infinity());
  std::fill_n(state->finite, rows, true);
}

bool AddTile(const ScoreRules& rules, const ScoreRow* rows, int64_t num_rows, const ScoreTile& tile,
             SoftmaxState* state) {
  return HWY_DYNAMIC_DISPATCH(AddTile)(rules, rows, num_rows, tile, state);
}

void EndSoftmax(const ScoreRules& rules, const SoftmaxState& state, int64_t num_rows,
                RowSummary* summaries) {
  HWY_DYNAMIC_DISPATCH(EndSoftmax)(rules, state, num_rows, summaries);
}

float RowSummary::lse() const {
  constexpr double kLog2 = 0.6931471805599453;
  return static_cast<float>(sum == 0 ? -std::numeric_limits<double>::infinity()
                                     : base * kLog2 + std::log(double{exact_sum}));
}

void ScaleValues(float factor, int64_t size, float* values) {
  HWY_DYNAMIC_DISPATCH(ScaleValues)(factor, size, values);
}
void RescaleRows(const float* rescale, int64_t num_rows, int64_t width, float* sums) {
  HWY_DYNAMIC_DISPATCH(RescaleRows)(rescale, num_rows, width, sums);
}

uint32_t StoreRows(const FinishedRows& rows) { return HWY_DYNAMIC_DISPATCH(StoreRows)(rows); }

}  // namespace attentiond
#endif
