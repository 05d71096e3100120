// core/tensor/aligned_buffer.h -- bytes on a cache-line boundary.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace attentiond {

/// Owns `size` uninitialised bytes, 64-byte aligned (an AVX-512 register, a cache line). Movable.
class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 64;

  AlignedBuffer() = default;
  /// Throws std::bad_alloc when memory is out.
  explicit AlignedBuffer(size_t size) : size_(size) {
    if (size == 0) return;
    // aligned_alloc wants a multiple of the alignment.
    const size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
    data_.reset(std::aligned_alloc(kAlignment, rounded));
    if (data_ == nullptr) throw std::bad_alloc();
  }

  void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

}  // namespace attentiond
