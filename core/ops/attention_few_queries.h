// core/ops/attention_few_queries.h -- attention of few rows over many keys, as when decoding: keys
// and values are read once, as they lie, at the rate of the memory. Private to core/ops.
//
// The keys of a head are divided into chunks of a fixed size, each for any thread. A chunk leaves
// its sum of values, its sum of exponentials and what they are relative to; Merge() joins them in
// the order of the keys. Products and probabilities are f32 whatever the type of the operands.
// Source: Dao et al. 2023, "Flash-Decoding for long-context inference".
#pragma once

#include <cstdint>

#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"

namespace attentiond {

class AttentionFewQueries {
 public:
  explicit AttentionFewQueries(const AttentionRows& rows);

  /// Of 64-byte aligned memory that each thread needs.
  int64_t scratch_bytes() const { return layout_.total; }
  /// Of what a chunk leaves for Merge().
  int64_t partial_bytes() const { return partial_bytes_; }

  /// Runs a chunk; writes its rows' results when it is the head's only one.
  void Run(const AttentionTask& task, char* scratch, char* partials) const;
  /// Writes a head's results; `first` is the task of its first chunk.
  void Merge(const AttentionTask& first, const char* partials, char* scratch) const;

 private:
  static constexpr int64_t kMaxRows = AttentionPlan::kFewRows;
  static constexpr int64_t kBlockKeys = 256;

  struct Layout {
    int64_t queries = 0, scores = 0, sums = 0, state = 0, total = 0;
  };
  // A chunk leaves the summaries of kMaxRows rows, and then their sums [kMaxRows, value_width].
  static constexpr int64_t kSummaryBytes = kMaxRows * static_cast<int64_t>(sizeof(RowSummary));

  void RunChunk(const AttentionTask& task, const ScoreRow* score_rows, char* scratch) const;
  float* sums(char* scratch) const { return reinterpret_cast<float*>(scratch + layout_.sums); }
  SoftmaxState* state(char* scratch) const {
    return reinterpret_cast<SoftmaxState*>(scratch + layout_.state);
  }

  const AttentionRows rows_;
  const ScoreRules rules_;
  const int64_t query_width_, value_width_;  // channels, and zeros to a multiple of 16
  Layout layout_;
  int64_t partial_bytes_ = 0;
};

}  // namespace attentiond
