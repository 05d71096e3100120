// server/results/row_sharing.h -- which rows of a batch need not be computed, because others are
// the same.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "core/engine/model.h"
#include "server/results/row_key.h"

namespace attentiond {

/// Rows that are in flight at the same time and are the same are computed once: those of one batch,
/// and those that were queued while the batch before was computed. They take their places in queue
/// and batch all the same, so that limits and counts do not depend on what others send.
///
/// Threads: the executor's alone.
class RowSharing {
 public:
  struct Row {
    const RowKey* key = nullptr;  ///< outlives the batch
    absl::Time queued;
  };

  /// Begins a batch: the rows to compute, by index, in order. May be none.
  std::vector<size_t> Begin(const std::vector<Row>& rows);
  /// Ends it: a result for each row of the batch, made of those of the rows to compute.
  std::vector<EncoderRowResult> End(std::vector<EncoderRowResult> computed, absl::Time now);
  /// Ends it without results.
  void Abandon() { recent_.clear(); }

 private:
  // Where a row's result comes from.
  struct Source {
    const EncoderRowResult* recent = nullptr;  // or
    size_t computed = 0;
  };

  std::vector<const RowKey*> keys_;  // of the rows to compute
  std::vector<Source> sources_;      // by row
  // The batch before.
  absl::flat_hash_map<RowKey, EncoderRowResult> recent_;
  absl::Time recent_end_ = absl::InfinitePast();
};

}  // namespace attentiond
