// core/ops/attention_plan.h -- how one attention call is divided into tasks, and these into units
// of equal cost for the threads. Private to core/ops.
//
// Which kernel computes a sequence, and how its keys are divided, depend on that sequence alone: so
// its result does not depend on what it is batched with, nor on the number of threads.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/attention_rows.h"

namespace attentiond {

/// A run of rows of one key/value head of one sequence; or of few rows, a chunk of their keys.
struct AttentionTask {
  int64_t sequence = 0, kv_head = 0;
  bool few = false;                    ///< few rows, for AttentionFewQueries; else AttentionBlocks
  int64_t row_begin = 0, row_end = 0;  ///< the rows; all, of a chunk of keys
  int64_t chunk = 0, num_chunks = 0;   ///< which of the head's chunks of keys
  int64_t partial = 0;  ///< how many chunks of heads with several come before this task
};

class AttentionPlan {
 public:
  /// Up to so many rows are computed from keys and values as they lie; more are worth packing.
  static constexpr int64_t kFewRows = 4;
  /// Keys of a chunk: long enough for memory to be all that it waits for.
  static constexpr int64_t kChunkKeys = 1024;

  /// `compute`: the type that tiles are multiplied in.
  AttentionPlan(const AttentionRows& rows, DType compute, int num_threads);

  static bool IsFew(int64_t num_rows) { return num_rows <= kFewRows; }

  bool has_few() const { return has_few_; }
  bool has_blocks() const { return has_blocks_; }
  /// Chunks of all heads of few rows that have more than one.
  int64_t num_partials() const { return num_partials_; }
  int64_t num_units() const { return num_units_; }

  /// run(task) for each task of the units [begin, end), in order: those of a head follow each
  /// other.
  template <typename Run>
  void ForEachTask(int64_t begin, int64_t end, Run run) const {
    const Position& first = units_[static_cast<size_t>(begin)];
    const int64_t last = units_[static_cast<size_t>(end)].index;
    AttentionTask task = TaskAt(first);
    for (int64_t index = first.index; index < last; ++index, Advance(&task)) run(task);
  }

  /// run(first task) for each head of which the keys were divided.
  template <typename Run>
  void ForEachDividedHead(Run run) const {
    Position position;
    for (; position.sequence < rows_.args().batch; Skip(&position)) {
      if (NumChunks(position.sequence) <= 1) continue;
      for (int64_t head = 0; head < rows_.args().num_kv_heads; ++head) {
        run(TaskAt(position));
        position.index += NumChunks(position.sequence);
      }
      position.index = position.first_index;
    }
  }

 private:
  static constexpr int64_t kMaxUnits = 256;

  // A task by its number among all, and where its sequence begins.
  struct Position {
    int64_t index = 0, sequence = 0, first_index = 0, first_partial = 0;
  };

  int64_t NumChunks(int64_t sequence) const;  // 0: the sequence has not few rows
  int64_t TasksPerHead(int64_t sequence) const;
  double CyclesPerTask(int64_t sequence) const;
  void Skip(Position* position) const;  // to the next sequence
  AttentionTask TaskAt(const Position& position) const;
  void Advance(AttentionTask* task) const;
  void MakeUnits(int num_threads);

  const AttentionRows rows_;
  const DType compute_;
  int64_t task_rows_ = 0;
  int64_t num_partials_ = 0;
  bool has_few_ = false, has_blocks_ = false;
  int64_t num_units_ = 0;
  std::array<Position, kMaxUnits + 1> units_;
};

}  // namespace attentiond
