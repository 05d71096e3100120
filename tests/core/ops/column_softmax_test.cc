#include "core/ops/column_softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <list>
#include <random>
#include <utility>
#include <vector>

#include "core/onednn/isa.h"
#include "core/ops/column_product.h"
#include "core/ops/tile_registers.h"
#include "core/tensor/element.h"
#include "tests/testing/vector_targets.h"

namespace attentiond {
namespace {

constexpr int64_t kRows = ScoreColumns::kRows, kTiles = 2, kKeys = 64;
constexpr float kFactor = 0.25f, kInfinity = std::numeric_limits<float>::infinity();

float FromBFloat16(uint16_t bits) { return LoadElement(&bits, DType::kBF16, 0); }

// Two tiles of rows and a chunk of keys, with each set of instructions that this processor has.
class ColumnSoftmaxTest : public testing::VectorTargetTest {
 protected:
  ColumnSoftmaxTest() : scores_(kKeys * kTiles * kRows), exponentials_(kKeys * kTiles * kRows) {
    rows_.fill({.visible_begin = 0, .visible_end = 1 << 20});
    Fill(-4, 4);
  }

  void Fill(float low, float high) {
    std::uniform_real_distribution<float> scores(low, high);
    for (float& score : scores_) score = scores(random_);
  }
  float& score(int64_t key, int64_t row) {
    return scores_[static_cast<size_t>((row / kRows * kKeys + key) * kRows + row % kRows)];
  }
  float exponential(int64_t key, int64_t row) const {
    const int64_t pair = (row / kRows * kKeys + key / 2 * 2) * kRows;
    return FromBFloat16(exponentials_[static_cast<size_t>(pair + row % kRows * 2 + key % 2)]);
  }
  ScoreColumns Columns(int64_t first_key) {
    return {.scores = scores_.data(),
            .scores_stride = kKeys * kRows,
            .tiles = kTiles,
            .first_key = first_key,
            .num_keys = kKeys,
            .whole = AllSee(first_key),
            .exponentials = exponentials_.data(),
            .stride = kKeys * kRows};
  }
  bool Add(int64_t first_key) { return AddColumns(kFactor, Columns(first_key), &state_); }
  void Begin() { BeginColumns(rows_.data(), kTiles * kRows, &state_); }
  bool sees(int64_t key, int64_t row) const {
    const ScoreRow& of = rows_[static_cast<size_t>(row)];
    return of.visible_begin <= key && key < of.visible_end;
  }
  bool AllSee(int64_t first_key) const {
    for (int64_t row = 0; row < kTiles * kRows; ++row) {
      if (!sees(first_key, row) || !sees(first_key + kKeys - 1, row)) return false;
    }
    return true;
  }
  // What was added last is what the scores make of the rows' bases, and `before` and it are summed.
  void ExpectAdded(int64_t first_key, const std::array<double, kTiles * kRows>& before) {
    for (int64_t row = 0; row < kTiles * kRows; ++row) {
      const double base = double{state_.base[row]};
      double sum = before[static_cast<size_t>(row)];
      for (int64_t key = 0; key < kKeys; ++key) {
        const double stored = double{exponential(key, row)};
        if (!sees(first_key + key, row)) {
          ASSERT_EQ(stored, 0) << "key " << key << " row " << row;
          continue;
        }
        const double exact = std::exp2(double{score(key, row)} * double{kFactor} - base);
        // The rounding to bf16, the polynomial's 8.6e-5, and the rounding of the exponent.
        ASSERT_NEAR(stored, exact, exact * (0x1p-8 + 1e-4) + 0x1p-126)
            << "key " << key << " row " << row;
        sum += stored;
      }
      ASSERT_NEAR(double{state_.sums[row]}, sum, sum * 0x1p-18) << "row " << row;
    }
  }

  std::mt19937 random_{7};
  std::array<ScoreRow, kTiles * kRows> rows_;
  std::vector<float> scores_;
  std::vector<uint16_t> exponentials_;
  ColumnState state_;
};

TEST_P(ColumnSoftmaxTest, ExponentialsAndTheirSums) {
  Begin();
  EXPECT_FALSE(Add(0));
  ExpectAdded(0, {});
  std::array<double, kTiles * kRows> sums{};
  std::copy_n(state_.sums, sums.size(), sums.begin());
  Fill(-4, 4);
  EXPECT_FALSE(Add(kKeys));
  ExpectAdded(kKeys, sums);
}

TEST_P(ColumnSoftmaxTest, RaisesTheBaseOfTheRowsThatNeedIt) {
  for (const float lead : {200.0f, 4000.0f}) {
    Fill(-4, 4);
    Begin();
    ASSERT_FALSE(Add(0));
    const ColumnState before = state_;
    Fill(-4, 4);
    score(63, 5) = lead;
    EXPECT_TRUE(Add(kKeys));
    std::array<double, kTiles * kRows> sums{};
    for (int64_t row = 0; row < kTiles * kRows; ++row) {
      const double rescale = std::exp2(double{before.base[row]} - double{state_.base[row]});
      EXPECT_EQ(state_.base[row] == before.base[row], row != 5) << row;
      EXPECT_NEAR(double{state_.rescale[row]}, rescale, rescale * 1e-4 + 0x1p-126) << row;
      sums[static_cast<size_t>(row)] = double{before.sums[row]} * double{state_.rescale[row]};
    }
    EXPECT_EQ(state_.base[5], lead * kFactor);
    ExpectAdded(kKeys, sums);
  }
}

TEST_P(ColumnSoftmaxTest, RaisesABaseThatTheFirstKeysSetTooLow) {
  for (const float lead : {200.0f, 4000.0f}) {
    Fill(-4, 4);
    for (int64_t key = 16; key < kKeys; ++key) score(key, 20) += lead;
    Begin();
    EXPECT_TRUE(Add(0));
    ExpectAdded(0, {});
  }
}

TEST_P(ColumnSoftmaxTest, MaskedKeysCountForNothing) {
  for (int64_t row = 0; row < kTiles * kRows; ++row) {
    rows_[static_cast<size_t>(row)] = {.visible_begin = row, .visible_end = 40 + row};
  }
  rows_[3] = {.visible_begin = 0, .visible_end = 0};
  rows_[4] = {.visible_begin = 70, .visible_end = 80};
  Begin();
  Add(0);
  ExpectAdded(0, {});
  EXPECT_EQ(state_.base[3], -kInfinity);
  EXPECT_EQ(state_.base[4], -kInfinity);
  std::array<double, kTiles * kRows> sums{};
  std::copy_n(state_.sums, sums.size(), sums.begin());
  Add(kKeys);
  ExpectAdded(kKeys, sums);
  EXPECT_EQ(state_.base[3], -kInfinity);
  EXPECT_NE(state_.base[4], -kInfinity);
}

// Products of tiles with small whole numbers, which are exact.
class ColumnsMeanwhileTest : public ColumnSoftmaxTest {
 protected:
  static constexpr int64_t kTileBytes = 1024, kTileFloats = 256;

  void SetUp() override {
    if (!onednn::HasMatrixTiles()) GTEST_SKIP() << "no matrix unit";
  }
  std::vector<uint16_t> Operand(int64_t tiles) {
    std::uniform_int_distribution<int> values(-4, 4);
    std::vector<uint16_t> data(static_cast<size_t>(tiles * kTileBytes / 2));
    for (uint16_t& x : data) {
      x = static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(values(random_))) >> 16);
    }
    return data;
  }
  static ColumnProduct Product(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b,
                               int64_t a_tiles, int64_t b_tiles, float* c) {
    const auto depth = static_cast<int64_t>(b.size()) * 2 / kTileBytes / b_tiles;
    const auto operand = [&](const std::vector<uint16_t>& x) {
      return TileOperand{.data = reinterpret_cast<const char*>(x.data()),
                         .step = kTileBytes,
                         .next = depth * kTileBytes};
    };
    return {.a = operand(a),
            .b = operand(b),
            .a_tiles = a_tiles,
            .b_tiles = b_tiles,
            .depth = depth,
            .zero = true,
            .c = {.data = c, .a_stride = kTileFloats, .b_stride = a_tiles * kTileFloats}};
  }
  // The sums of a row of A and a column of B, which comes in pairs.
  static float Sum(const ColumnProduct& product, int64_t row, int64_t column) {
    float sum = 0;
    for (int64_t d = 0; d < product.depth * 32; ++d) {
      const auto at = [d](const TileOperand& x, int64_t tile, int64_t row_of, int64_t place) {
        const char* const data = x.data + tile * x.next + d / 32 * x.step + row_of * 64;
        return FromBFloat16(reinterpret_cast<const uint16_t*>(data)[place]);
      };
      sum += at(product.a, row / 16, row % 16, d % 32) *
             at(product.b, column / 16, d % 32 / 2, column % 16 * 2 + d % 2);
    }
    return sum;
  }
  static void ExpectProduct(const ColumnProduct& product, float offset) {
    for (int64_t row = 0; row < product.a_tiles * 16; ++row) {
      for (int64_t column = 0; column < product.b_tiles * 16; ++column) {
        const float* const tile = product.c.at(row / 16, column / 16);
        ASSERT_EQ(tile[row % 16 * 16 + column % 16], Sum(product, row, column) + offset)
            << "row " << row << " column " << column;
      }
    }
  }

  TileRegisters registers_;
};

TEST_P(ColumnsMeanwhileTest, ProductsOfAnyNumberOfTilesAreHeldAndStored) {
  struct Case {
    std::vector<uint16_t> a, b;
    std::vector<float> c;
    ColumnProduct product;
  };
  std::list<Case> cases;
  registers_.SetRows(16);
  HeldSums held;
  for (const int64_t a_tiles : {2, 1, 3, 8}) {
    for (const int64_t depth : {1, 3}) {
      for (const int64_t b_tiles : {1, 2, 2, 1}) {
        Case& added = cases.emplace_back(Case{
            .a = Operand(a_tiles * depth),
            .b = Operand(b_tiles * depth),
            .c = std::vector<float>(static_cast<size_t>(a_tiles * b_tiles * kTileFloats), 0.5f),
            .product = {}});
        added.product = Product(added.a, added.b, a_tiles, b_tiles, added.c.data());
        added.product.zero = cases.size() % 3 != 0;
        MultiplyColumns(added.product, &held);
      }
    }
  }
  StoreHeldSums(&held);
  for (const Case& each : cases) ExpectProduct(each.product, each.product.zero ? 0 : 0.5f);
}

TEST_P(ColumnsMeanwhileTest, BothAreAsOneAfterTheOther) {
  registers_.SetRows(16);
  for (const int64_t depth : {1, 2, 3, 4, 5, 8, 9}) {
    for (const float lead : {0.0f, 4000.0f}) {
      SCOPED_TRACE(::testing::Message() << "depth " << depth << " lead " << lead);
      const std::vector<uint16_t> a = Operand(4 * depth), b = Operand(kTiles * depth);
      std::vector<float> next(kKeys * kTiles * kRows), after(next.size());
      const ColumnProduct product = Product(a, b, 4, kTiles, next.data());
      Fill(-4, 4);
      Begin();
      HeldSums held;
      // The first chunk's bases are not known yet; the second one's may be too low.
      EXPECT_FALSE(AddColumnsMeanwhile(kFactor, Columns(0), product, &held, &state_));
      ExpectAdded(0, {});
      std::array<double, kTiles * kRows> sums{};
      std::copy_n(state_.sums, sums.size(), sums.begin());
      Fill(-4, 4);
      score(63, 5) += lead;
      ColumnState expected = state_;
      const bool rescaled = AddColumns(kFactor, Columns(kKeys), &expected);
      const std::vector<uint16_t> exponentials = std::exchange(
          exponentials_, std::vector<uint16_t>(exponentials_.size(), uint16_t{0xffff}));
      EXPECT_EQ(AddColumnsMeanwhile(kFactor, Columns(kKeys), Product(a, b, 4, kTiles, after.data()),
                                    &held, &state_),
                rescaled);
      EXPECT_EQ(rescaled, lead > 0);
      EXPECT_EQ(exponentials_, exponentials);
      for (int64_t row = 0; row < kTiles * kRows; ++row) {
        EXPECT_EQ(state_.base[row], expected.base[row]) << row;
        EXPECT_EQ(state_.sums[row], expected.sums[row]) << row;
        EXPECT_EQ(state_.rescale[row], expected.rescale[row]) << row;
      }
      ExpectProduct(product, 0);
      StoreHeldSums(&held);
      EXPECT_EQ(after, next);
    }
  }
}

TEST_P(ColumnsMeanwhileTest, ScoresThatAreStillHeldAreStoredFirst) {
  registers_.SetRows(16);
  constexpr int64_t kDepth = 2;
  const std::vector<uint16_t> a = Operand(4 * kDepth), b = Operand(kTiles * kDepth);
  const ColumnProduct scores = Product(a, b, 4, kTiles, scores_.data());
  std::vector<float> next(kKeys * kTiles * kRows);
  for (const bool masked : {false, true}) {
    if (masked) rows_[7].visible_begin = 3;
    std::ranges::fill(scores_, std::numeric_limits<float>::quiet_NaN());
    Begin();
    HeldSums held;
    MultiplyColumns(scores, &held);
    AddColumnsMeanwhile(kFactor, Columns(0), Product(a, b, 4, kTiles, next.data()), &held, &state_);
    StoreHeldSums(&held);
    ExpectProduct(scores, 0);
    EXPECT_EQ(next, scores_);
    ExpectAdded(0, {});
  }
}

TEST_P(ColumnSoftmaxTest, RoundsSumsAndTellsWhichRowsAreWrong) {
  rows_[9] = {.visible_begin = 0, .visible_end = 0};
  score(50, 2) = std::numeric_limits<float>::quiet_NaN();
  score(51, 17) = kInfinity;
  for (int64_t key = 0; key < kKeys; ++key) score(key, 30) = -kInfinity;
  Begin();
  Add(0);
  constexpr int64_t kWidth = 32;
  std::vector<float> sums(kWidth * kTiles * kRows);
  std::uniform_real_distribution<float> values(-3, 3);
  for (float& sum : sums) sum = values(random_);
  const auto sum = [&](int64_t channel, int64_t row) -> float& {
    const int64_t tile = channel / 16 * kTiles + row / kRows;
    return sums[static_cast<size_t>((tile * 16 + channel % 16) * kRows + row % kRows)];
  };
  sum(31, 12) = kInfinity;
  std::vector<uint32_t> pairs(kWidth / 2 * kTiles * kRows);
  const uint32_t wrong = RoundColumns(state_, sums.data(), kTiles, kWidth, pairs.data());
  EXPECT_EQ(wrong, 1u << 2 | 1u << 12 | 1u << 17 | 1u << 30);
  for (int64_t row = 0; row < kTiles * kRows; ++row) {
    if ((wrong >> row & 1) != 0) continue;
    for (int64_t channel = 0; channel < kWidth; ++channel) {
      const uint32_t pair = pairs[static_cast<size_t>(channel / 2 * kTiles * kRows + row)];
      const float actual =
          FromBFloat16(static_cast<uint16_t>(channel % 2 == 0 ? pair : pair >> 16));
      const float expected = row == 9 ? 0 : sum(channel, row) / state_.sums[row];
      EXPECT_NEAR(actual, expected, std::abs(expected) * 0x1.01p-8f) << channel << " of " << row;
    }
  }
}

TEST_P(ColumnSoftmaxTest, RescalesColumns) {
  Begin();
  for (int64_t row = 0; row < kRows; ++row) state_.rescale[row] = static_cast<float>(row);
  std::vector<float> sums(3 * 16 * kRows, 2.0f);
  RescaleColumns(state_.rescale, 2, 16 * kRows, sums.data());
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_EQ(sums[i], i < 2 * 16 * kRows ? 2 * static_cast<float>(i % kRows) : 2) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ColumnSoftmaxTest, ::testing::ValuesIn(testing::VectorTargets()),
                         testing::VectorTargetName);

INSTANTIATE_TEST_SUITE_P(Targets, ColumnsMeanwhileTest,
                         ::testing::ValuesIn(testing::VectorTargets()), testing::VectorTargetName);

}  // namespace
}  // namespace attentiond
