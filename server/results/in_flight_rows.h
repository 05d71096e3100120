// server/results/in_flight_rows.h -- rows of one model that are queued or computed, so that a row
// that is the same waits for the result of the first.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/engine/model.h"
#include "server/results/row_key.h"

namespace attentiond {

/// What came of a batch, for each of its rows.
struct BatchOutcome {
  uint64_t batch = 0;  ///< a number of its own
  absl::Status status;
  absl::Time start;
  absl::Duration compute;
};

/// A row that waits for the result of another. Exactly one of its methods is called, once, by the
/// executor's thread or one that ends a request; without locks.
class WaitingRow {
 public:
  virtual ~WaitingRow() = default;
  /// The other row was computed. `result` is empty unless the outcome is OK.
  virtual void TakeResult(const EncoderRowResult& result, const BatchOutcome& outcome) = 0;
  /// The other row will not be computed, for reasons of its own: wait for another, or be one.
  virtual void StartAgain() = 0;
};

/// Threads: every method may be called concurrently.
class InFlightRows {
 public:
  /// Whether `row` joins the same row that is in flight. If not, the caller's row is now the one
  /// in flight: it must be computed or dropped, and then taken out.
  bool Join(const RowKey& key, std::unique_ptr<WaitingRow> row);
  /// Ends a row's flight: those that wait for it.
  std::vector<std::unique_ptr<WaitingRow>> TakeOut(const RowKey& key);

 private:
  Mutex mutex_;
  absl::flat_hash_map<RowKey, std::vector<std::unique_ptr<WaitingRow>>> rows_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
