// server/results/result_cache.h -- results of rows that were computed before, by last use.
#pragma once

#include <cstdint>
#include <list>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/base/mutex.h"
#include "core/engine/model.h"
#include "server/results/row_key.h"

namespace attentiond {

/// Shared by all models; bounded by bytes, those that keep the entries included. What was not used
/// for longest goes first.
///
/// Threads: every method may be called concurrently.
class ResultCache {
 public:
  /// 0: keeps nothing.
  explicit ResultCache(int64_t capacity_bytes) : capacity_(capacity_bytes) {}

  bool enabled() const { return capacity_ > 0; }
  /// A number for a model as it is loaded now: it never finds what an earlier one computed.
  int64_t NewModel();
  /// Copies what is kept for a row to `result`, which is unchanged when nothing is.
  bool Find(int64_t model, const RowKey& key, EncoderRowResult* result);
  /// Keeps a result, unless it would take more than a sixteenth of the cache.
  void Insert(int64_t model, const RowKey& key, const EncoderRowResult& result);
  int64_t bytes() const;

 private:
  struct Entry {
    RowKey key;  // the model's number before the row's
    EncoderRowResult result;
    int64_t bytes = 0;
  };

  void RemoveOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t capacity_;
  mutable Mutex mutex_;
  int64_t models_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // the last used first
  // Views of the entries' keys.
  absl::flat_hash_map<absl::string_view, std::list<Entry>::iterator> by_key_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
