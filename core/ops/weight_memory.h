// core/ops/weight_memory.h -- memory for packed weights. Private to core/ops.
#pragma once

#include <cstddef>
#include <memory>

namespace attentiond {

/// Owns `size` bytes of zeros, aligned as an AlignedBuffer's. Small ones are cut from chunks that
/// they share, so that they too are in huge pages: a product of few rows does little but read
/// weights. A chunk is returned when the last of its parts is. Movable; made by any thread.
class WeightMemory {
 public:
  WeightMemory() = default;
  /// Throws std::bad_alloc when memory is out.
  explicit WeightMemory(size_t size);

  void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  std::shared_ptr<void> data_;
  size_t size_ = 0;
};

}  // namespace attentiond
