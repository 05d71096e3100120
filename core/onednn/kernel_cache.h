// core/onednn/kernel_cache.h -- the micro-kernels made so far, at most so many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/onednn/micro_kernel.h"

namespace attentiond::onednn {

/// Keeps the kernels used last; the one unused for longest goes first. Not thread-safe.
class KernelCache {
 public:
  struct Statistics {
    int64_t hits = 0, misses = 0;
  };

  explicit KernelCache(size_t capacity) : capacity_(capacity) {}

  /// The kernel of `shape`, made now unless it is there. It stays alive while the pointer does,
  /// whatever the cache does. Errors: those of MicroKernel::Create.
  absl::StatusOr<std::shared_ptr<const MicroKernel>> Get(const MicroKernelShape& shape);

  size_t size() const { return entries_.size(); }
  const Statistics& statistics() const { return statistics_; }

 private:
  struct Entry {
    MicroKernelShape shape;
    std::shared_ptr<const MicroKernel> kernel;
  };
  const size_t capacity_;
  std::list<Entry> entries_;  // the one used last is in front
  absl::flat_hash_map<MicroKernelShape, std::list<Entry>::iterator> by_shape_;
  Statistics statistics_;
};

}  // namespace attentiond::onednn
