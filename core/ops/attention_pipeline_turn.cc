// core/ops/attention_pipeline_turn.cc -- one turn of the pipeline: the instructions of the matrix
// unit, and between them the steps of a softmax.
#include <algorithm>

#include "core/ops/attention_pipeline_worker.h"

namespace attentiond {
namespace {

constexpr int64_t kTileBytes = TileRegisters::kRows * TileRegisters::kRowBytes;

}  // namespace

// Scores of the item's rows and keys. Registers 0 to 3 hold two tiles of rows by two of keys, 4 and
// 5 queries, 6 and 7 keys.
template <int kRowTiles>
void AttentionPipeline::Worker::MultiplyKeys(const Item& item, int64_t steps, TileJob* job) {
  using Tile = TileRegisters;
  constexpr int64_t kScoreBytes = kScoreStride * sizeof(float);
  const int64_t query_stride = pipeline_.depth_ * 2;
  const char* keys = item.keys;
  for (int64_t group = 0; group < item.groups; ++group) {
    Tile::Zero<0>();
    Tile::Zero<1>();
    if constexpr (kRowTiles > 1) {
      Tile::Zero<2>();
      Tile::Zero<3>();
    }
    const char* queries = item.block->queries;
    for (int64_t d = 0; d < query_stride; d += Tile::kRowBytes) {
      Tile::Load<4>(queries + d, query_stride);
      Tile::Load<6>(keys, 2 * Tile::kRowBytes);
      Tile::MultiplyBF16<0, 4, 6>();
      Tile::Load<7>(keys + Tile::kRowBytes, 2 * Tile::kRowBytes);
      Tile::MultiplyBF16<1, 4, 7>();
      if constexpr (kRowTiles > 1) {
        Tile::Load<5>(queries + Tile::kRows * query_stride + d, query_stride);
        Tile::MultiplyBF16<2, 5, 6>();
        Tile::MultiplyBF16<3, 5, 7>();
      }
      keys += 2 * kTileBytes;
      StepTile(steps, job);
    }
    float* const scores = item.scores + group * kGroupKeys;
    Tile::Store<0>(scores, kScoreBytes);
    Tile::Store<1>(scores + Tile::kRows, kScoreBytes);
    if constexpr (kRowTiles > 1) {
      Tile::Store<2>(scores + Tile::kRows * kScoreStride, kScoreBytes);
      Tile::Store<3>(scores + Tile::kRows * kScoreStride + Tile::kRows, kScoreBytes);
    }
  }
}

// Adds the item's exponentials times its values to the block's sums. Registers 0 to 3 hold two
// tiles of rows by two of channels, 4 and 5 exponentials, 6 and 7 values.
template <int kRowTiles>
void AttentionPipeline::Worker::MultiplyValues(const Item& item, int64_t steps, TileJob* job) {
  using Tile = TileRegisters;
  constexpr int64_t kScoreBytes = kScoreStride * sizeof(float);
  const int64_t width = pipeline_.value_width_;
  const int64_t sum_bytes = width * static_cast<int64_t>(sizeof(float));
  const int64_t value_bytes = width * 4;  // a pair of keys
  for (int64_t channel = 0; channel < width; channel += 2 * Tile::kRows) {
    float* const sums = item.block->sums + channel;
    float* const more_sums = sums + Tile::kRows * width;
    if (item.first) {
      Tile::Zero<0>();
      Tile::Zero<1>();
      if constexpr (kRowTiles > 1) {
        Tile::Zero<2>();
        Tile::Zero<3>();
      }
    } else {
      Tile::Load<0>(sums, sum_bytes);
      Tile::Load<1>(sums + Tile::kRows, sum_bytes);
      if constexpr (kRowTiles > 1) {
        Tile::Load<2>(more_sums, sum_bytes);
        Tile::Load<3>(more_sums + Tile::kRows, sum_bytes);
      }
    }
    const char* exponentials = reinterpret_cast<const char*>(item.scores);
    const char* values = item.values + channel * 4;
    for (int64_t group = 0; group < item.groups; ++group) {
      Tile::Load<4>(exponentials, kScoreBytes);
      Tile::Load<6>(values, value_bytes);
      Tile::MultiplyBF16<0, 4, 6>();
      Tile::Load<7>(values + Tile::kRowBytes, value_bytes);
      Tile::MultiplyBF16<1, 4, 7>();
      if constexpr (kRowTiles > 1) {
        Tile::Load<5>(exponentials + Tile::kRows * kScoreBytes, kScoreBytes);
        Tile::MultiplyBF16<2, 5, 6>();
        Tile::MultiplyBF16<3, 5, 7>();
      }
      exponentials += Tile::kRowBytes;
      values += Tile::kRows * value_bytes;
      StepTile(steps, job);
    }
    Tile::Store<0>(sums, sum_bytes);
    Tile::Store<1>(sums + Tile::kRows, sum_bytes);
    if constexpr (kRowTiles > 1) {
      Tile::Store<2>(more_sums, sum_bytes);
      Tile::Store<3>(more_sums + Tile::kRows, sum_bytes);
    }
  }
}

void AttentionPipeline::Worker::Push(const Item& next) {
  TileJob job;
  if (current_.block != nullptr) {
    Block& block = *current_.block;
    const int64_t keys = current_.groups * kGroupKeys;
    job.rules = &pipeline_.rules_;
    job.rows = block.score_rows.data();
    job.num_rows = block.rows;
    job.state = block.state;
    job.tile = {.scores = current_.scores,
                .stride = kScoreStride,
                .columns = keys,
                .first_key = current_.first_key,
                .whole = block.common_begin <= current_.first_key &&
                         current_.first_key + keys <= block.common_end,
                .keys = &block.head_keys};
  }
  const int64_t multiplications =
      next.groups * (pipeline_.depth_ / 32) + previous_.groups * (pipeline_.value_width_ / 32);
  const int64_t steps =
      multiplications == 0 ? 0 : (job.steps_left() + multiplications - 1) / multiplications;
  if (next.block != nullptr) {
    next.block->rows > TileRegisters::kRows ? MultiplyKeys<2>(next, steps, &job)
                                            : MultiplyKeys<1>(next, steps, &job);
  }
  if (previous_.block != nullptr) {
    previous_.block->rows > TileRegisters::kRows ? MultiplyValues<2>(previous_, steps, &job)
                                                 : MultiplyValues<1>(previous_, steps, &job);
    if (previous_.last) FinishBlock(*previous_.block);
  }
  if (current_.block != nullptr) {
    StepTile(job.steps_left(), &job);
    if (job.rescaled) {
      const Block& block = *current_.block;
      RescaleRows(block.state->rescale, block.rows, pipeline_.value_width_, block.sums);
      pipeline_.rows_.RescaleWeights(block.score_rows.data(), block.rows, current_.first_key,
                                     *block.state);
    }
  }
  previous_ = current_;
  current_ = next;
}

}  // namespace attentiond
