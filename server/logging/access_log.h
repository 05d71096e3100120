// server/logging/access_log.h -- which requests are logged though nothing is wrong with them.
#pragma once

#include <atomic>
#include <cstdint>

namespace attentiond {

/// One of every `every` requests, evenly; 0: none. Threads: any.
class AccessLog {
 public:
  explicit AccessLog(int64_t every) : every_(every) {}
  /// Whether the request that has just ended is one of them.
  bool Take() {
    if (every_ == 0) return false;
    return count_.fetch_add(1, std::memory_order_relaxed) % every_ == 0;
  }

 private:
  const int64_t every_;
  std::atomic<int64_t> count_{0};
};

}  // namespace attentiond
