#include "server/results/result_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace attentiond {
namespace {

EncoderRowResult Embedding(float value, size_t size = 8) {
  EncoderRowResult result;
  result.embedding.assign(size, value);
  return result;
}

float FirstOf(const EncoderRowResult& result) {
  return result.embedding.empty() ? -1 : result.embedding[0];
}

// The value that is kept for a row; -1: none.
float Look(ResultCache* cache, int64_t model, const RowKey& key) {
  EncoderRowResult result;
  return cache->Find(model, key, &result) ? FirstOf(result) : -1;
}

TEST(RowKeyTest, DiffersForWhateverChangesTheResult) {
  const std::vector<int32_t> a = {1, 2}, b = {1, 2, 0}, types = {0, 1}, positions = {1, 2};
  EncoderRow row;
  row.ids = a;
  std::vector<EncoderRow> rows(10, row);
  rows[1].ids = b;
  rows[2].type_ids = types;
  rows[3].positions = positions;
  rows[4].want_logits = true;
  rows[5].want_embedding = true;
  rows[6].want_hidden_state = true;
  rows[7].pooling = Pooling::kCls;
  rows[8].normalize = false;
  rows[9].dimensions = 2;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      EXPECT_EQ(KeyOf(rows[i]) == KeyOf(rows[j]), i == j) << i << " " << j;
    }
  }
  // Numbers do not slide from one list into the next.
  EncoderRow joined, split;
  const std::vector<int32_t> all = {1, 2, 3}, first = {1, 2}, rest = {3};
  joined.ids = all;
  split.ids = first;
  split.type_ids = rest;
  EXPECT_NE(KeyOf(joined), KeyOf(split));
}

TEST(ResultCacheTest, GivesBackWhatItKeeps) {
  ResultCache cache(1 << 20);
  const int64_t model = cache.NewModel();
  EXPECT_EQ(Look(&cache, model, "a"), -1);
  cache.Insert(model, "a", Embedding(1));
  cache.Insert(model, "b", Embedding(2));
  EXPECT_EQ(Look(&cache, model, "a"), 1);
  EXPECT_EQ(Look(&cache, model, "b"), 2);
  EXPECT_GT(cache.bytes(), int64_t{2 * 8 * sizeof(float)});
}

TEST(ResultCacheTest, DoesNotMixModels) {
  ResultCache cache(1 << 20);
  const int64_t first = cache.NewModel(), second = cache.NewModel();
  cache.Insert(first, "a", Embedding(1));
  EXPECT_EQ(Look(&cache, second, "a"), -1);
}

TEST(ResultCacheTest, ForgetsWhatWasNotUsedForLongest) {
  constexpr int64_t kCapacity = 64 << 10;
  ResultCache cache(kCapacity);
  const int64_t model = cache.NewModel();
  cache.Insert(model, "kept", Embedding(0));
  for (int i = 0; i < 1000; ++i) {
    cache.Insert(model, "row " + std::to_string(i), Embedding(static_cast<float>(i), 100));
    EXPECT_EQ(Look(&cache, model, "kept"), 0);
    EXPECT_LE(cache.bytes(), kCapacity);
  }
  EXPECT_GT(cache.bytes(), kCapacity / 2);
  EXPECT_EQ(Look(&cache, model, "row 0"), -1);
  EXPECT_EQ(Look(&cache, model, "row 999"), 999);
}

TEST(ResultCacheTest, KeepsNoResultThatWouldPushOutMuch) {
  ResultCache cache(1 << 10);
  const int64_t model = cache.NewModel();
  cache.Insert(model, "large", Embedding(1, 100));
  EXPECT_EQ(Look(&cache, model, "large"), -1);
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(ResultCacheTest, KeepsNothingWithoutCapacity) {
  ResultCache cache(0);
  EXPECT_FALSE(cache.enabled());
  cache.Insert(cache.NewModel(), "a", Embedding(1));
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(ResultCacheTest, MayBeUsedByManyThreads) {
  ResultCache cache(32 << 10);
  const int64_t model = cache.NewModel();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, model, t] {
      for (int i = 0; i < 2000; ++i) {
        const int row = (i * 7 + t) % 300;
        const float found = Look(&cache, model, std::to_string(row));
        if (found == -1) {
          cache.Insert(model, std::to_string(row), Embedding(static_cast<float>(row)));
        } else {
          ASSERT_EQ(found, static_cast<float>(row));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.bytes(), 32 << 10);
}

}  // namespace
}  // namespace attentiond
