#include "core/ops/attention_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/attention_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once for each instruction set.
#include "core/ops/vector-inl.h"
#include "core/tensor/element.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
// Scores beyond which f32 is not precise enough; those of trained models mostly are below.
constexpr float kPreciseFrom = 16;

// ---- Packing ----

// Copies [begin, begin + size) of a token's channels, or zeros past its last one, as `dtype`.
void CopyChannels(const HeadRows& head, int64_t token, int64_t begin, int64_t size, DType dtype,
                  void* y) {
  const int64_t used = std::clamp<int64_t>(head.channels - begin, 0, size);
  const char* const x = static_cast<const char*>(head.row(token)) +
                        begin * static_cast<int64_t>(ByteSize(head.dtype));
  if (head.dtype == dtype) {
    std::memcpy(y, x, static_cast<size_t>(used) * ByteSize(dtype));
  } else {  // to f32
    float* const to = static_cast<float*>(y);
    const auto convert = [=](const auto* from) {
      ForEachVector(used, [=](int64_t i, int64_t n) { Store(Load(from + i, n), to + i, n); });
    };
    if (head.dtype == DType::kBF16) {
      convert(reinterpret_cast<const BFloat16*>(x));
    } else {
      convert(reinterpret_cast<const Float16*>(x));
    }
  }
  std::memset(static_cast<char*>(y) + static_cast<size_t>(used) * ByteSize(dtype), 0,
              static_cast<size_t>(size - used) * ByteSize(dtype));
}

void CopyQuery(const HeadRows& queries, int64_t token, DType dtype, int64_t width, void* row) {
  CopyChannels(queries, token, 0, width, dtype, row);
}

// A group of bf16 and a float are both 32 bits wide: either is moved as a word.
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  constexpr int64_t kKeys = 16, kWords = 64;
  const int64_t group = panel.dtype == DType::kBF16 ? 2 : 1;
  const int64_t words = panel.width / group;
  alignas(64) uint32_t rows[kKeys][kWords];
  uint32_t* const to = static_cast<uint32_t*>(panel.data);
  for (int64_t key = 0; key < panel.keys; key += kKeys) {
    for (int64_t word = 0; word < words; word += kWords) {
      const int64_t size = std::min(kWords, words - word);
      for (int64_t k = 0; k < kKeys; ++k) {
        if (key + k < count) {
          CopyChannels(keys, first + key + k, word * group, size * group, panel.dtype, rows[k]);
        } else {
          std::memset(rows[k], 0, static_cast<size_t>(size) * sizeof(uint32_t));
        }
      }
      for (int64_t w = 0; w < size; ++w) {
        uint32_t* const column = to + (word + w) * panel.keys + key;
        for (int64_t k = 0; k < kKeys; ++k) column[k] = rows[k][w];
      }
    }
  }
}

// Writes a[0] b[0] a[1] b[1]...
void Interleave(const uint16_t* a, const uint16_t* b, int64_t size, uint16_t* y) {
  const hn::ScalableTag<uint16_t> halves;
  const auto lanes = static_cast<int64_t>(hn::Lanes(halves));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreInterleaved2(hn::LoadU(halves, a + i), hn::LoadU(halves, b + i), halves, y + 2 * i);
  }
  for (; i < size; ++i) {
    y[2 * i] = a[i];
    y[2 * i + 1] = b[i];
  }
}

void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel) {
  const auto row_bytes = panel.width * static_cast<int64_t>(ByteSize(panel.dtype));
  char* const to = static_cast<char*>(panel.data);
  if (panel.dtype == DType::kF32) {
    for (int64_t key = 0; key < count; ++key) {
      CopyChannels(values, first + key, 0, panel.width, panel.dtype, to + key * row_bytes);
    }
    std::memset(to + count * row_bytes, 0, static_cast<size_t>((panel.keys - count) * row_bytes));
    return;
  }
  constexpr int64_t kChunk = 128;
  uint16_t even[kChunk], odd[kChunk];
  for (int64_t key = 0; key < panel.keys; key += 2) {
    uint16_t* const pair = reinterpret_cast<uint16_t*>(to + key * row_bytes);
    if (key >= count) {
      std::memset(pair, 0, static_cast<size_t>(2 * row_bytes));
      continue;
    }
    for (int64_t begin = 0; begin < panel.width; begin += kChunk) {
      const int64_t size = std::min(kChunk, panel.width - begin);
      CopyChannels(values, first + key, begin, size, panel.dtype, even);
      if (key + 1 < count) {
        CopyChannels(values, first + key + 1, begin, size, panel.dtype, odd);
      } else {
        std::memset(odd, 0, sizeof(odd));
      }
      Interleave(even, odd, size, pair + 2 * begin);
    }
  }
}

// ---- Softmax ----

// body(column, scores of that column and those after it), a register at a time, over the columns
// [begin, end), which are multiples of the register's width.
template <typename Body>
HWY_INLINE void ForEachScore(const ScoreRow& row, int64_t begin, int64_t end, Body body) {
  for (int64_t column = begin; column < end;) {
    const int64_t panel = column / ScoreRow::kPanelKeys;
    float* const scores = row.scores + panel * row.panel_stride;
    const int64_t panel_begin = panel * ScoreRow::kPanelKeys;
    const int64_t panel_end = std::min(end, panel_begin + ScoreRow::kPanelKeys);
    for (; column < panel_end; column += Width()) body(column, scores + (column - panel_begin));
  }
}

// Bias and mask of the columns from `column`, as something to add; only the first `count` count.
HWY_INLINE V Additive(const ScoreRow& row, int64_t column, int64_t count) {
  if (row.mask == nullptr && row.bias_stride == 1) return Load(row.bias + column, count);
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)] = {};
  for (int64_t i = 0; i < std::min(count, Width()); ++i) {
    const float bias = row.bias == nullptr ? 0 : row.bias[(column + i) * row.bias_stride];
    const bool masked = row.mask != nullptr && !row.mask[(column + i) * row.mask_stride];
    lanes[i] = masked ? kMasked : bias;
  }
  return hn::Load(kFloats, lanes);
}

// Which of the columns from `column` are visible.
HWY_INLINE hn::Mask<Floats> VisibleLanes(const ScoreRow& row, int64_t column) {
  const hn::RebindToSigned<Floats> integers;
  const auto lanes = hn::Iota(integers, 0);
  const auto begin = hn::Set(integers, static_cast<int32_t>(row.visible_begin - column));
  const auto end = hn::Set(integers, static_cast<int32_t>(row.visible_end - column));
  return hn::RebindMask(kFloats, hn::AndNot(hn::Lt(lanes, begin), hn::Lt(lanes, end)));
}

struct MaxAndCheck {
  V max;
  V check;  // 0, or NaN when a score was not finite before bias and mask
};

// Turns products into scores, masked ones into -inf.
template <bool kCap, bool kAdd>
MaxAndCheck ScoreColumns(const ScoreRow& row, int64_t begin, int64_t end) {
  const V scale = hn::Set(kFloats, static_cast<float>(row.scale)), zero = hn::Zero(kFloats);
  const V cap = hn::Set(kFloats, static_cast<float>(row.softcap));
  const V inverse_cap = hn::Set(kFloats, static_cast<float>(kCap ? 1 / row.softcap : 0));
  const V masked = hn::Set(kFloats, kMasked);
  MaxAndCheck found{masked, zero};
  ForEachScore(row, begin, end, [&](int64_t column, float* scores) {
    const bool edge = column < row.visible_begin || column + Width() > row.visible_end;
    V score = hn::Mul(hn::LoadU(kFloats, scores), scale);
    if (edge) score = hn::IfThenElseZero(VisibleLanes(row, column), score);
    found.check = hn::MulAdd(score, zero, found.check);
    if constexpr (kCap) {
      score = hn::Mul(hn::Tanh(kFloats, hn::Mul(score, inverse_cap)), cap);
    }
    if constexpr (kAdd) {
      score = hn::Add(score, Additive(row, column, row.visible_end - column));
    }
    if (edge) score = hn::IfThenElse(VisibleLanes(row, column), score, masked);
    found.max = hn::Max(found.max, score);
    hn::StoreU(score, kFloats, scores);
  });
  return found;
}

MaxAndCheck ScoreColumns(const ScoreRow& row, int64_t begin, int64_t end) {
  const bool add = row.bias != nullptr || row.mask != nullptr;
  if (row.softcap > 0) {
    return add ? ScoreColumns<true, true>(row, begin, end)
               : ScoreColumns<true, false>(row, begin, end);
  }
  return add ? ScoreColumns<false, true>(row, begin, end)
             : ScoreColumns<false, false>(row, begin, end);
}

double PreciseScore(const ScoreRow& row, int64_t column) {
  double score = 0;
  for (int64_t d = 0; d < row.keys->channels; ++d) {
    score += double{LoadElement(row.query, row.keys->dtype, d)} *
             double{LoadElement(row.keys->row(column), row.keys->dtype, d)};
  }
  score *= row.scale;
  if (row.softcap > 0) score = row.softcap * std::tanh(score / row.softcap);
  if (row.bias != nullptr) score += double{row.bias[column * row.bias_stride]};
  return score;
}

// Subtracts the row's maximum from all scores and returns it; those near it are exact to f32.
// Farther ones count for nothing: exp(-12) of a relative error of 2^-24 |max|.
double SubtractMaxPrecisely(const ScoreRow& row, float max) {
  const float near = max - 12 - std::abs(max) * 0x1p-18f;
  const auto at = [&row](int64_t column) -> float& {
    return row
        .scores[column / ScoreRow::kPanelKeys * row.panel_stride + column % ScoreRow::kPanelKeys];
  };
  double precise_max = -std::numeric_limits<double>::infinity();
  for (int64_t column = row.visible_begin; column < row.visible_end; ++column) {
    if (at(column) >= near) precise_max = std::max(precise_max, PreciseScore(row, column));
  }
  for (int64_t column = row.visible_begin; column < row.visible_end; ++column) {
    float& score = at(column);
    const double precise = score >= near ? PreciseScore(row, column) : double{score};
    score = static_cast<float>(precise - precise_max);
  }
  return precise_max;
}

// Stores exponentials where scores were. In bf16 they take half the space: writing runs behind
// reading.
HWY_INLINE void StoreExponentials(const ScoreRow& row, V exponentials, int64_t column,
                                  float* scores) {
  if (row.dtype == DType::kF32) return hn::StoreU(exponentials, kFloats, scores);
  const int64_t in_panel = column % ScoreRow::kPanelKeys;
  StoreFinite(exponentials, reinterpret_cast<BFloat16*>(scores - in_panel) + in_panel);
}

void ZeroColumns(const ScoreRow& row, int64_t begin, int64_t end) {
  const V zero = hn::Zero(kFloats);
  ForEachScore(row, begin, end, [&](int64_t column, float* scores) {
    StoreExponentials(row, zero, column, scores);
  });
}

// Zeros outside of the columns [begin, end), and inside the weights times `factor`.
void FinishWeights(const ScoreRow& row, int64_t begin, int64_t end, float factor) {
  if (row.weights == nullptr) return;
  begin = std::min(begin, row.num_weights);
  end = std::min(end, row.num_weights);
  std::fill(row.weights, row.weights + begin, 0.0f);
  ForEachVector(end - begin, [&](int64_t i, int64_t count) {
    float* const weights = row.weights + begin + i;
    Store(hn::Mul(Load(weights, count), hn::Set(kFloats, factor)), weights, count);
  });
  std::fill(row.weights + end, row.weights + row.num_weights, 0.0f);
}

// exp(score - maximum) of the columns [begin, end), and their sum.
float ExponentiateColumns(const ScoreRow& row, int64_t begin, int64_t end, float max) {
  const V maxima = hn::Set(kFloats, max);
  V sums = hn::Zero(kFloats);
  ForEachScore(row, begin, end, [&](int64_t column, float* scores) {
    const V exponentials = Exp(hn::Sub(hn::LoadU(kFloats, scores), maxima));
    sums = hn::Add(sums, exponentials);
    if (row.weights != nullptr) {
      Store(exponentials, row.weights + column, row.num_weights - column);
    }
    StoreExponentials(row, exponentials, column, scores);
  });
  return hn::GetLane(hn::SumOfLanes(kFloats, sums));
}

RowSummary SoftmaxRow(const ScoreRow& row) {
  const int64_t begin = row.visible_begin / Width() * Width();
  const int64_t end = (row.visible_end + Width() - 1) / Width() * Width();
  MaxAndCheck found{hn::Set(kFloats, kMasked), hn::Zero(kFloats)};
  if (row.visible_begin < row.visible_end) found = ScoreColumns(row, begin, end);
  const float max = hn::GetLane(hn::MaxOfLanes(kFloats, found.max));
  const float check = hn::GetLane(hn::SumOfLanes(kFloats, found.check));
  if (std::isnan(check) || std::isnan(max) || max > std::numeric_limits<float>::max()) {
    return {0, 0, false};
  }
  const int64_t first_column = row.first_panel * ScoreRow::kPanelKeys;
  if (max == kMasked) {
    ZeroColumns(row, first_column, row.end);
    FinishWeights(row, 0, 0, 0);
    return {kMasked, 0, true};
  }
  const bool precise = row.dtype == DType::kF32 && std::abs(max) > kPreciseFrom;
  const double subtracted = precise ? SubtractMaxPrecisely(row, max) : double{max};
  const float sum = ExponentiateColumns(row, begin, end, precise ? 0 : max);
  ZeroColumns(row, first_column, begin);
  ZeroColumns(row, end, row.end);
  FinishWeights(row, begin, end, 1 / sum);
  return {static_cast<float>(subtracted + std::log(double{sum})), 1 / sum, true};
}

template <typename T>
V StoreAndCheck(const float* sums, float factor, int64_t size, T* y) {
  const V zero = hn::Zero(kFloats), factors = hn::Set(kFloats, factor);
  V check = zero;
  ForEachVector(size, [&](int64_t i, int64_t count) {
    const V values = hn::Mul(Load(sums + i, count), factors);
    check = hn::MulAdd(values, zero, check);
    Store(values, y + i, count);
  });
  return check;
}

bool StoreFiniteRow(const float* sums, float factor, int64_t size, DType dtype, void* y) {
  const auto store = [=](auto* to) {
    const V check = StoreAndCheck(sums, factor, size, to);
    return !std::isnan(hn::GetLane(hn::SumOfLanes(kFloats, check)));
  };
  if (dtype == DType::kF32) return store(static_cast<float*>(y));
  if (dtype == DType::kBF16) return store(static_cast<BFloat16*>(y));
  return store(static_cast<Float16*>(y));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attentiond {

HWY_EXPORT(CopyQuery);
HWY_EXPORT(PackKeys);
HWY_EXPORT(PackValues);
HWY_EXPORT(SoftmaxRow);
HWY_EXPORT(StoreFiniteRow);

void CopyQuery(const HeadRows& queries, int64_t token, DType dtype, int64_t width, void* row) {
  HWY_DYNAMIC_DISPATCH(CopyQuery)(queries, token, dtype, width, row);
}
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(keys, first, count, panel);
}
void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel) {
  HWY_DYNAMIC_DISPATCH(PackValues)(values, first, count, panel);
}
RowSummary SoftmaxRow(const ScoreRow& row) { return HWY_DYNAMIC_DISPATCH(SoftmaxRow)(row); }
bool StoreFiniteRow(const float* sums, float factor, int64_t size, DType dtype, void* y) {
  return HWY_DYNAMIC_DISPATCH(StoreFiniteRow)(sums, factor, size, dtype, y);
}

}  // namespace attentiond
#endif
