// core/onednn/context.h -- what of oneDNN belongs to one executor.
#pragma once

#include "core/onednn/kernel_cache.h"

namespace attentiond::onednn {

/// Cheap to construct. One executor uses it at a time.
class Context {
 public:
  /// An encoder takes at most 6 row counts for each of its few layer shapes, and attention 96
  /// kernels for each head size; a kernel is 5 to 50 KB of code.
  static constexpr size_t kMaxKernels = 1024;

  KernelCache& kernels() { return kernels_; }

 private:
  KernelCache kernels_{kMaxKernels};
};

}  // namespace attentiond::onednn
