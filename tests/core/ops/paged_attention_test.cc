// Attention to keys and values in pages, against the loops that define it.
#include "core/ops/paged_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "core/reference/paged_attention.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using testing::RandomTensor;
using testing::ToFloats;

constexpr int64_t kTokens = KeyValueLayout::kTokens;

/// A cache of `sequences` sequences of `length` keys whose pages lie anywhere.
class Cache {
 public:
  Cache(const KeyValueLayout& layout, int64_t sequences, int64_t length, float magnitude,
        ExecutionContext& context)
      : layout_(layout), pages_each_(KeyValueLayout::PagesOf(length)) {
    list_.resize(static_cast<size_t>(sequences * pages_each_));
    std::iota(list_.begin(), list_.end(), 0);
    std::shuffle(list_.begin(), list_.end(), std::mt19937(7));
    memory_ = AlignedBuffer(list_.size() * layout.page_bytes());
    // What no token was written into must not count.
    std::fill_n(static_cast<unsigned char*>(memory_.data()), memory_.size(), 0xff);
    std::vector<PagedToken> tokens;
    for (int64_t s = 0; s < sequences; ++s) {
      for (int64_t t = 0; t < length; ++t) {
        tokens.push_back({pages() + static_cast<size_t>(list(s)[t / kTokens]) * layout.page_bytes(),
                          t % kTokens});
      }
    }
    const int64_t width = layout.heads * layout.head_dim;
    for (int64_t layer = 0; layer < layout.layers; ++layer) {
      const auto seed = static_cast<unsigned>(layer);
      const Tensor keys =
          RandomTensor(layout.dtype, {sequences * length, width}, 2 * seed + 1, magnitude);
      const Tensor values = RandomTensor(layout.dtype, {sequences * length, width}, 2 * seed + 2);
      WriteKeyValues({layout, layer, tokens, keys.view().data, values.view().data, width}, context);
    }
  }

  char* pages() const { return static_cast<char*>(memory_.data()); }
  const int32_t* list(int64_t sequence) const { return list_.data() + sequence * pages_each_; }
  int64_t pages_each() const { return pages_each_; }

 private:
  const KeyValueLayout layout_;
  const int64_t pages_each_;
  std::vector<int32_t> list_;
  AlignedBuffer memory_;
};

struct Problem {
  KeyValueLayout layout;
  std::vector<int64_t> lengths;  // of the rows
  std::vector<int64_t> sequences;
  int64_t longest = 0;
  bool biased = false;
  float magnitude = 1;
};

void Check(const Problem& problem, ExecutionContext& context) {
  const KeyValueLayout& layout = problem.layout;
  SCOPED_TRACE(::testing::Message() << layout.heads << " heads of " << layout.head_dim << ", "
                                    << problem.longest << " keys, " << Name(layout.dtype));
  const int64_t sequences =
      1 + *std::max_element(problem.sequences.begin(), problem.sequences.end());
  const Cache cache(layout, sequences, problem.longest, problem.magnitude, context);
  const auto num_rows = static_cast<int64_t>(problem.lengths.size());
  const int64_t width = layout.heads * layout.head_dim;
  const Tensor query = RandomTensor(layout.dtype, {num_rows, width}, 91, problem.magnitude);
  const Tensor bias = RandomTensor(DType::kF32, {layout.heads, problem.longest}, 92, 3);
  Tensor output(layout.dtype, {num_rows, width});
  std::vector<float> weights(static_cast<size_t>(num_rows * layout.heads * problem.longest), -1);
  const float scale = 1 / std::sqrt(static_cast<float>(layout.head_dim));
  std::vector<PagedRow> rows;
  for (size_t r = 0; r < problem.lengths.size(); ++r) {
    PagedRow row{cache.list(problem.sequences[r]), problem.lengths[r]};
    if (problem.biased) row.bias = bias.values<float>().data();
    row.bias_stride = problem.longest;
    if (r % 2 == 0)
      row.weights = weights.data() + r * static_cast<size_t>(layout.heads * problem.longest);
    rows.push_back(row);
  }
  PagedAttentionArgs args{
      layout, layout.layers - 1,          cache.pages(), rows, query.view().data,
      width,  output.mutable_view().data, width,         scale};
  PagedAttention(args, context);

  const std::vector<float> q = ToFloats(query.view()), actual = ToFloats(output.view());
  std::vector<float> expected(actual.size()), expected_weights = weights;
  for (int64_t r = 0; r < num_rows; ++r) {
    for (int64_t h = 0; h < layout.heads; ++h) {
      const PagedRow& row = rows[static_cast<size_t>(r)];
      reference::PagedQuery reference_query;
      reference_query.layout = layout;
      reference_query.layer = args.layer;
      reference_query.head = h;
      reference_query.pages = cache.pages();
      reference_query.list = {row.pages, static_cast<size_t>(cache.pages_each())};
      reference_query.length = row.length;
      const auto dim = static_cast<size_t>(layout.head_dim);
      const auto at = static_cast<size_t>(r * width + h * layout.head_dim);
      reference_query.query = absl::MakeConstSpan(q).subspan(at, dim);
      if (problem.biased) {
        reference_query.bias = {row.bias + h * row.bias_stride, static_cast<size_t>(row.length)};
      }
      reference_query.scale = scale;
      std::vector<double> result(dim), p(static_cast<size_t>(row.length));
      reference::PagedAttention(reference_query, absl::MakeSpan(result), absl::MakeSpan(p));
      std::copy(result.begin(), result.end(), expected.begin() + static_cast<int64_t>(at));
      if (row.weights == nullptr) continue;
      std::copy(p.begin(), p.end(),
                expected_weights.begin() + (row.weights - weights.data()) + h * row.length);
    }
  }
  const double largest = static_cast<double>(problem.magnitude) * problem.magnitude *
                         static_cast<double>(layout.head_dim) * static_cast<double>(scale);
  const testing::AttentionMagnitudes magnitudes{DType::kF32, layout.head_dim, problem.longest,
                                                largest,     largest + 3,     1};
  testing::ExpectWithin(actual, expected, [&](size_t i) {
    return testing::AttentionTolerance(magnitudes) +
           testing::RoundingTolerance(layout.dtype, double{expected[i]});
  });
  testing::ExpectWithin(weights, expected_weights, [&](size_t i) {
    return double{expected_weights[i]} * testing::AttentionRelativeTolerance(magnitudes) + 1e-30;
  });
}

class PagedAttentionTest : public ::testing::TestWithParam<DType> {
 protected:
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(PagedAttentionTest, AgreesWithTheReference) {
  for (const int64_t head_dim : {1, 3, 16, 24, 40, 64, 80, 128}) {
    for (const int64_t longest : {1, 15, 16, 17, 33, 200}) {
      Problem problem;
      problem.layout = {.layers = 2, .heads = 3, .head_dim = head_dim, .dtype = GetParam()};
      problem.longest = longest;
      problem.lengths = {longest, longest, 1, (longest + 1) / 2, longest, longest};
      problem.sequences = {0, 1, 1, 0, 2, 2};
      Check(problem, context_);
      problem.biased = true;
      Check(problem, context_);
    }
  }
}

TEST_P(PagedAttentionTest, LargeScoresStayFinite) {
  Problem problem;
  problem.layout = {.layers = 1, .heads = 2, .head_dim = 64, .dtype = GetParam()};
  problem.longest = 100;
  problem.lengths = {100, 37};
  problem.sequences = {0, 1};
  problem.magnitude = 8;
  Check(problem, context_);
}

TEST_P(PagedAttentionTest, NoKeysGiveZeros) {
  const KeyValueLayout layout{.layers = 1, .heads = 2, .head_dim = 24, .dtype = GetParam()};
  const Tensor query = RandomTensor(GetParam(), {1, 48}, 1);
  Tensor output = RandomTensor(GetParam(), {1, 48}, 2);
  const PagedRow row{nullptr, 0};
  PagedAttention(
      {layout, 0, nullptr, {&row, 1}, query.view().data, 48, output.mutable_view().data, 48, 1},
      context_);
  for (const float value : ToFloats(output.view())) EXPECT_EQ(value, 0);
}

// Beams read their input together, up to four at a time.
TEST_P(PagedAttentionTest, RowsDoNotDependOnTheirCompanyBitForBit) {
  const KeyValueLayout layout{.layers = 1, .heads = 4, .head_dim = 40, .dtype = GetParam()};
  const int64_t width = 160, count = 7;
  const Cache cache(layout, 1, 75, 1, context_);
  const Tensor query = RandomTensor(GetParam(), {count, width}, 3);
  Tensor together(GetParam(), {count, width}), alone(GetParam(), {count, width});
  const std::vector<PagedRow> rows(static_cast<size_t>(count), PagedRow{cache.list(0), 75});
  const auto bytes = static_cast<size_t>(width) * ByteSize(GetParam());
  PagedAttentionArgs args{
      layout, 0,   cache.pages(), rows, query.view().data, width, together.mutable_view().data,
      width,  0.2f};
  PagedAttention(args, context_);
  ThreadPool one_thread(1);
  ExecutionContext serial(&one_thread);
  for (size_t r = 0; r < rows.size(); ++r) {
    args.rows = absl::MakeConstSpan(rows).subspan(r, 1);
    args.query = static_cast<const char*>(query.view().data) + r * bytes;
    args.output = static_cast<char*>(alone.mutable_view().data) + r * bytes;
    PagedAttention(args, serial);
  }
  EXPECT_EQ(ToFloats(together.view()), ToFloats(alone.view()));
}

INSTANTIATE_TEST_SUITE_P(Types, PagedAttentionTest, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return std::string(Name(test.param)); });

}  // namespace
}  // namespace attentiond
