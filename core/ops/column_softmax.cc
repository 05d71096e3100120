#include "core/ops/column_softmax.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/column_softmax.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/column_product-inl.h"
#include "core/ops/exp2-inl.h"
#include "core/ops/vector-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();
// What the exponentials of a chunk may sum up to before the base is raised, and how far ahead of
// it, in powers of two, a score must be then: up to 256 keys that are not do not sum up to that.
constexpr float kMaxLead = 8, kMaxSum = 0x1p17f;

constexpr int64_t kTileRows = 16;  // of sums, which are channels

constexpr hn::RebindToSigned<Floats> kIntegers{};
constexpr hn::RebindToUnsigned<Floats> kWords{};

// 2^x in bf16 where x may be too large for that, or not a number: then that shows.
HWY_INLINE V AnyExp2(V x) {
#if HWY_TARGET != HWY_AVX3  // whose instructions do so themselves
  const V largest = hn::Set(kFloats, 127.0f);
  x = hn::IfThenElse(hn::Gt(x, largest), largest, x);
#endif
  return RoundedExp2(x);
}

// Of rows, as many as a register has: exponentials of pairs of keys, one pair after the other, and
// their sum.
class Pairs {
 public:
  Pairs(const float* scores, V factor, V base, uint16_t* exponentials)
      : scores_(scores), exponentials_(exponentials), factor_(factor), base_(base) {}

  // mask(key, exponential) is what becomes of those of the next 2 kPairs keys.
  template <int kPairs, typename Mask>
  HWY_INLINE void Next(Mask mask) {
    HWY_UNROLL(8)
    for (int64_t key = 0; key < 2 * kPairs; key += 2) {
      const V even = mask(key, Exponential(key)), odd = mask(key + 1, Exponential(key + 1));
      even_sum_ = hn::Add(even_sum_, even);
      odd_sum_ = hn::Add(odd_sum_, odd);
      const auto pair =
          hn::Or(hn::ShiftRight<16>(hn::BitCast(kWords, even)), hn::BitCast(kWords, odd));
      hn::StoreU(pair, kWords,
                 reinterpret_cast<uint32_t*>(exponentials_ + key * ScoreColumns::kRows));
    }
#if HWY_TARGET == HWY_AVX3
    // Or the compiler would put the additions off until it has no registers left.
    asm("" : "+v"(even_sum_.raw), "+v"(odd_sum_.raw));
#endif
    scores_ += 2 * kPairs * ScoreColumns::kRows;
    exponentials_ += 2 * kPairs * ScoreColumns::kRows;
  }
  template <int kPairs>
  HWY_INLINE void Next() {
    Next<kPairs>([](int64_t, V exponential) HWY_ATTR { return exponential; });
  }

  V sum() const { return hn::Add(even_sum_, odd_sum_); }

 private:
  HWY_INLINE V Exponential(int64_t key) const {
    const V score = hn::LoadU(kFloats, scores_ + key * ScoreColumns::kRows);
    return AnyExp2(hn::MulSub(score, factor_, base_));
  }

  const float* scores_;
  uint16_t* exponentials_;
  const V factor_, base_;
  V even_sum_ = hn::Zero(kFloats), odd_sum_ = hn::Zero(kFloats);
};

// Rows, as many as a register has, and their scores.
class Lanes {
 public:
  Lanes(float factor, const ScoreColumns& columns, int64_t row, const ColumnState& state)
      : columns_(columns),
        scores_(columns.scores + row / ScoreColumns::kRows * columns.scores_stride +
                row % ScoreColumns::kRows),
        exponentials_(columns.exponentials + row / ScoreColumns::kRows * columns.stride +
                      row % ScoreColumns::kRows * 2),
        factor_(hn::Set(kFloats, factor)),
        begin_(hn::LoadU(kIntegers, state.visible_begin + row)),
        end_(hn::LoadU(kIntegers, state.visible_end + row)) {}

  bool whole() const { return columns_.whole; }
  Pairs PairsFrom(V base) const { return {scores_, factor_, base, exponentials_}; }

  // The largest exponents; -inf where all is masked.
  V Max() const {
    return MaxUntil([](V) HWY_ATTR { return false; });
  }
  // Those of the first keys that tell of each row something: bases to begin with.
  V FirstMax() const {
    return MaxUntil(
        [](V max) HWY_ATTR { return hn::AllTrue(kFloats, hn::Gt(max, hn::Set(kFloats, kNone))); });
  }

  // Stores exponentials and returns their sums.
  template <bool kMasked>
  HWY_INLINE V Exponentiate(V base) const {
    Pairs pairs = PairsFrom(base);
    for (int64_t key = 0; key < columns_.num_keys; key += ScoreColumns::kTileKeys) {
      pairs.Next<ScoreColumns::kTileKeys / 2>([&](int64_t k, V exponential) HWY_ATTR {
        if constexpr (!kMasked) return exponential;
        return hn::IfThenElseZero(Visible(key + k), exponential);
      });
    }
    return pairs.sum();
  }

 private:
  hn::Mask<Floats> Visible(int64_t key) const {
    const auto keys = hn::Set(kIntegers, static_cast<int32_t>(columns_.first_key + key));
    return hn::RebindMask(kFloats, hn::AndNot(hn::Lt(keys, begin_), hn::Lt(keys, end_)));
  }

  template <typename Enough>
  HWY_INLINE V MaxUntil(Enough enough) const {
    const V none = hn::Set(kFloats, kNone);
    V max = none;
    for (int64_t key = 0; key < columns_.num_keys; key += ScoreColumns::kTileKeys) {
      for (int64_t k = key; k < key + ScoreColumns::kTileKeys; ++k) {
        const V score = hn::LoadU(kFloats, scores_ + k * ScoreColumns::kRows);
        max = hn::Max(max, hn::IfThenElse(Visible(k), score, none));
      }
      if (enough(max)) break;
    }
    return hn::Mul(max, factor_);
  }

  const ScoreColumns& columns_;
  const float* const scores_;
  uint16_t* const exponentials_;
  const V factor_;
  const hn::Vec<hn::RebindToSigned<Floats>> begin_, end_;
};

// What is subtracted: anything where all was masked.
HWY_INLINE V Subtracted(V base) {
  return hn::IfThenZeroElse(hn::Eq(base, hn::Set(kFloats, kNone)), base);
}

// Some are masked, or the base is to be raised. True: it was.
HWY_NOINLINE bool AddLanes(const Lanes& lanes, int64_t row, ColumnState* state) {
  V base = hn::LoadU(kFloats, state->base + row), sums = hn::LoadU(kFloats, state->sums + row);
  V rescale = hn::Set(kFloats, 1.0f);
  const auto unset = hn::Eq(base, hn::Set(kFloats, kNone));
  if (!hn::AllFalse(kFloats, unset)) base = hn::IfThenElse(unset, lanes.FirstMax(), base);
  V sum = lanes.Exponentiate<true>(Subtracted(base));
  // What is not a number does not become one, and shows in the sums.
  const bool large = !hn::AllTrue(kFloats, hn::Lt(sum, hn::Set(kFloats, kMaxSum)));
  if (large) {
    const V max = lanes.Max();
    const auto raised = hn::Gt(max, hn::Add(base, hn::Set(kFloats, kMaxLead)));
    rescale = hn::IfThenElse(raised, Exp2<false>(hn::Sub(base, max)), rescale);
    base = hn::IfThenElse(raised, max, base);
    sums = hn::Mul(sums, rescale);
    sum = lanes.Exponentiate<true>(Subtracted(base));
  }
  hn::StoreU(base, kFloats, state->base + row);
  hn::StoreU(hn::Add(sums, sum), kFloats, state->sums + row);
  hn::StoreU(rescale, kFloats, state->rescale + row);
  return large;
}

// Whether all rows have a base. Those that have none get one, if the scores say anything.
HWY_INLINE bool HaveBases(const Lanes& lanes, int64_t row, ColumnState* state) {
  const V none = hn::Set(kFloats, kNone);
  V base = hn::LoadU(kFloats, state->base + row);
  if (hn::AllFalse(kFloats, hn::Eq(base, none))) return true;
  base = hn::IfThenElse(hn::Eq(base, none), lanes.FirstMax(), base);
  if (!hn::AllTrue(kFloats, hn::Gt(base, none))) return false;
  hn::StoreU(base, kFloats, state->base + row);
  return true;
}

// Whether no exponential is so large that the base is to be raised; then the sums are added.
HWY_INLINE bool AddSums(V sum, int64_t row, ColumnState* state) {
  if (!hn::AllTrue(kFloats, hn::Lt(sum, hn::Set(kFloats, kMaxSum)))) return false;
  hn::StoreU(hn::Add(hn::LoadU(kFloats, state->sums + row), sum), kFloats, state->sums + row);
  hn::StoreU(hn::Set(kFloats, 1.0f), kFloats, state->rescale + row);
  return true;
}

// Most chunks of most rows: every key is seen, and none is far ahead. False: it is not so.
HWY_INLINE bool AddWholeLanes(const Lanes& lanes, int64_t row, ColumnState* state) {
  if (!lanes.whole() || !HaveBases(lanes, row, state)) return false;
  const V base = hn::LoadU(kFloats, state->base + row);
  return AddSums(lanes.Exponentiate<false>(base), row, state);
}

bool AddColumns(float factor, const ScoreColumns& columns, ColumnState* state) {
  bool rescaled = false;
  for (int64_t row = 0; row < columns.tiles * ScoreColumns::kRows; row += Width()) {
    const Lanes lanes(factor, columns, row, *state);
    if (!AddWholeLanes(lanes, row, state)) rescaled |= AddLanes(lanes, row, state);
  }
  return rescaled;
}

// Two tiles of rows and four of keys, with products of as many: both come in halves.
constexpr int64_t kMeanwhileTiles = 2, kMeanwhileKeys = 4 * ScoreColumns::kTileKeys;

// Whether that is what is at hand, and every row has a base, which it may get here.
bool CanMultiplyMeanwhile(float factor, const ScoreColumns& columns, const ColumnProduct& product,
                          HeldSums* held, ColumnState* state) {
  if (Width() != ScoreColumns::kRows || !columns.whole || columns.tiles != kMeanwhileTiles ||
      columns.num_keys != kMeanwhileKeys || product.a_tiles != 4 || product.b_tiles != 2) {
    return false;
  }
  for (int64_t row = 0; row < kMeanwhileTiles * ScoreColumns::kRows; row += Width()) {
    const V base = hn::LoadU(kFloats, state->base + row);
    if (hn::AllTrue(kFloats, hn::Gt(base, hn::Set(kFloats, kNone)))) continue;
    StoreHeld(held);
    if (!HaveBases(Lanes(factor, columns, row, *state), row, state)) return false;
  }
  return true;
}

// kPairs at a time, as long as there are any. What it calls is its own members, for the compiler
// to keep them in registers.
template <int kPairs>
class SomePairs {
 public:
  explicit SomePairs(const Pairs& pairs) : pairs_(pairs) {}
  HWY_INLINE void operator()() {
    if (left_ == 0) return;
    pairs_.template Next<kPairs>();
    left_ -= kPairs;
  }
  V sum() const { return pairs_.sum(); }

 private:
  Pairs pairs_;
  int64_t left_ = kMeanwhileKeys / 2;
};

// Half of the product with the exponentials of one tile of rows, kPairs a multiplication.
template <int kPairs>
HWY_NOINLINE V MultiplyHalf(const ColumnProduct& product, int64_t a_tile, HeldSums* held,
                            const Lanes& lanes, V base) {
  SomePairs<kPairs> pairs(lanes.PairsFrom(base));
  MultiplyTiles<2, 2>(product, a_tile, held, pairs);
  return pairs.sum();
}

V MultiplyHalf(const ColumnProduct& product, int64_t a_tile, HeldSums* held, const Lanes& lanes,
               V base) {
  // Four multiplications for each tile of the depth: all pairs have their turn.
  if (product.depth >= 8) return MultiplyHalf<1>(product, a_tile, held, lanes, base);
  if (product.depth >= 4) return MultiplyHalf<2>(product, a_tile, held, lanes, base);
  if (product.depth >= 2) return MultiplyHalf<4>(product, a_tile, held, lanes, base);
  return MultiplyHalf<8>(product, a_tile, held, lanes, base);
}

bool AddColumnsMeanwhile(float factor, const ScoreColumns& columns, const ColumnProduct& product,
                         HeldSums* held, ColumnState* state) {
  if (!CanMultiplyMeanwhile(factor, columns, product, held, state)) {
    attentiond::MultiplyColumns(product, held);
    return HWY_NAMESPACE::AddColumns(factor, columns, state);
  }
  bool rescaled = false;
  for (int64_t tile = 0; tile < kMeanwhileTiles; ++tile) {
    const int64_t row = tile * ScoreColumns::kRows;
    const Lanes lanes(factor, columns, row, *state);
    const V base = hn::LoadU(kFloats, state->base + row);
    const V sum = MultiplyHalf(product, 2 * tile, held, lanes, base);
    if (!AddSums(sum, row, state)) rescaled |= AddLanes(lanes, row, state);
  }
  return rescaled;
}

void RescaleColumns(const float* rescale, int64_t num_tiles, int64_t stride, float* sums) {
  for (int64_t lane = 0; lane < ScoreColumns::kRows; lane += Width()) {
    const V factor = hn::LoadU(kFloats, rescale + lane);
    for (int64_t tile = 0; tile < num_tiles; ++tile) {
      for (int64_t row = 0; row < kTileRows; ++row) {
        float* const y = sums + tile * stride + row * ScoreColumns::kRows + lane;
        hn::StoreU(hn::Mul(hn::LoadU(kFloats, y), factor), kFloats, y);
      }
    }
  }
}

// Of one register's rows. Bits: which of them are not finite.
uint32_t RoundLanes(const ColumnState& state, const float* sums, int64_t row, int64_t row_tiles,
                    int64_t width, uint32_t* pairs) {
  const hn::RebindToSigned<Floats> integers;
  const hn::RebindToUnsigned<Floats> words;
  const V zero = hn::Zero(kFloats), sum = hn::LoadU(kFloats, state.sums + row);
  const V inverse = hn::IfThenZeroElse(hn::Eq(sum, zero), hn::Div(hn::Set(kFloats, 1.0f), sum));
  V check = hn::Mul(sum, zero), other_check = zero;  // become NaN
  for (int64_t channel = 0; channel < width; channel += 2) {
    const int64_t tile = channel / kTileRows * row_tiles + row / ScoreColumns::kRows;
    const float* const x = sums + (tile * kTileRows + channel % kTileRows) * ScoreColumns::kRows +
                           row % ScoreColumns::kRows;
    const V even = hn::Mul(hn::LoadU(kFloats, x), inverse);
    const V odd = hn::Mul(hn::LoadU(kFloats, x + ScoreColumns::kRows), inverse);
    check = hn::MulAdd(even, zero, check);
    other_check = hn::MulAdd(odd, zero, other_check);
    // What becomes of a NaN does not matter: the row is done again.
    const auto pair = hn::Or(hn::ShiftRight<16>(RoundUpperHalves(even)),
                             hn::And(RoundUpperHalves(odd), hn::Set(words, 0xffff0000)));
    hn::StoreU(pair, words, pairs + channel / 2 * row_tiles * ScoreColumns::kRows + row);
  }
  const auto sees_keys =
      hn::RebindMask(kFloats, hn::Lt(hn::LoadU(integers, state.visible_begin + row),
                                     hn::LoadU(integers, state.visible_end + row)));
  const auto unset = hn::Eq(hn::LoadU(kFloats, state.base + row), hn::Set(kFloats, kNone));
  const auto wrong = hn::Or(hn::IsNaN(hn::Add(check, other_check)), hn::And(sees_keys, unset));
  uint8_t bits[8] = {};
  hn::StoreMaskBits(kFloats, wrong, bits);
  return bits[0] | static_cast<uint32_t>(bits[1]) << 8;
}

uint32_t RoundColumns(const ColumnState& state, const float* sums, int64_t row_tiles, int64_t width,
                      uint32_t* pairs) {
  uint32_t wrong = 0;
  for (int64_t row = 0; row < row_tiles * ScoreColumns::kRows; row += Width()) {
    wrong |= RoundLanes(state, sums, row, row_tiles, width, pairs) << row;
  }
  return wrong;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(AddColumns);
HWY_EXPORT(AddColumnsMeanwhile);
HWY_EXPORT(RescaleColumns);
HWY_EXPORT(RoundColumns);

void BeginColumns(const ScoreRow* rows, int64_t num_rows, ColumnState* state) {
  std::fill_n(state->base, ColumnState::kMaxRows, -std::numeric_limits<float>::infinity());
  std::fill_n(state->sums, ColumnState::kMaxRows, 0.0f);
  std::fill_n(state->visible_begin, ColumnState::kMaxRows, 0);
  std::fill_n(state->visible_end, ColumnState::kMaxRows, std::numeric_limits<int32_t>::max());
  for (int64_t r = 0; r < num_rows; ++r) {
    state->visible_begin[r] = static_cast<int32_t>(rows[r].visible_begin);
    state->visible_end[r] = static_cast<int32_t>(rows[r].visible_end);
  }
}

bool AddColumns(float factor, const ScoreColumns& columns, ColumnState* state) {
  return HWY_DYNAMIC_DISPATCH(AddColumns)(factor, columns, state);
}

bool AddColumnsMeanwhile(float factor, const ScoreColumns& columns, const ColumnProduct& product,
                         HeldSums* held, ColumnState* state) {
  return HWY_DYNAMIC_DISPATCH(AddColumnsMeanwhile)(factor, columns, product, held, state);
}

uint32_t RoundColumns(const ColumnState& state, const float* sums, int64_t row_tiles, int64_t width,
                      uint32_t* pairs) {
  return HWY_DYNAMIC_DISPATCH(RoundColumns)(state, sums, row_tiles, width, pairs);
}

void RescaleColumns(const float* rescale, int64_t num_tiles, int64_t stride, float* sums) {
  HWY_DYNAMIC_DISPATCH(RescaleColumns)(rescale, num_tiles, stride, sums);
}

}  // namespace attentiond
#endif
