// core/ops/attention_pipeline_worker.h -- a thread's sequence of tiles. Private to core/ops.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/attention_pipeline.h"
#include "core/ops/tile_registers.h"

namespace attentiond {

/// Up to kBlockRows rows of a head.
struct AttentionPipeline::Block {
  int64_t sequence = 0, kv_head = 0;
  int64_t first_row = 0, rows = 0;
  int64_t common_begin = 0, common_end = 0;  // every row sees these keys
  HeadRows head_keys;
  char* queries = nullptr;  // [32, depth] of bf16
  float* sums = nullptr;    // [32, value_width]
  SoftmaxState* state = nullptr;
  std::array<ScoreRow, kBlockRows> score_rows;
};

/// A block's rows and a tile of keys.
struct AttentionPipeline::Item {
  Block* block = nullptr;  // nullptr: no item
  int64_t first_key = 0, groups = 0;
  bool first = false, last = false;               // of its block
  const char *keys = nullptr, *values = nullptr;  // packed, from the tile's first key
  float* scores = nullptr;
};

/// Uses the matrix unit of the calling thread, in a scope.
class AttentionPipeline::Worker {
 public:
  Worker(const AttentionPipeline& pipeline, char* scratch);
  ~Worker() { Flush(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Run(const AttentionTask& task);

 private:
  void PackHead(const AttentionTask& task);
  void RunBlock(const AttentionTask& task, int64_t first_row);
  // One turn: what was the next item becomes the current one.
  void Push(const Item& next);
  // Ends what is under way: the memory of heads may be used again.
  void Flush();
  template <int kRowTiles>
  void MultiplyKeys(const Item& item, int64_t steps, TileJob* job);
  template <int kRowTiles>
  void MultiplyValues(const Item& item, int64_t steps, TileJob* job);
  void FinishBlock(const Block& block);

  const AttentionPipeline& pipeline_;
  TileRegisters registers_;
  char* keys_ = nullptr;  // of num_heads_kept_ heads, each followed by its values
  std::array<float*, kTurns> scores_;
  std::array<Block, kTurns> blocks_;
  int64_t num_items_ = 0, num_blocks_ = 0, num_heads_ = 0;
  int64_t sequence_ = -1, kv_head_ = -1;  // the head that was packed last
  char *head_keys_ = nullptr, *head_values_ = nullptr;
  Item previous_, current_;
};

}  // namespace attentiond
