// core/tensor/aligned_buffer.h -- bytes on a cache-line boundary.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace attentiond {

/// Owns `size` uninitialised bytes, 64-byte aligned (an AVX-512 register, a cache line). Movable.
/// Large ones are in huge pages where the system has them: a product walks through rows that are
/// kilobytes apart, and looks up a page for each.
class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 64;

  AlignedBuffer() = default;
  /// Throws std::bad_alloc when memory is out.
  explicit AlignedBuffer(size_t size) : size_(size) {
    if (size == 0) return;
    // aligned_alloc wants a multiple of the alignment.
    const size_t alignment = size < kHugePage ? kAlignment : kHugePage;
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    data_.reset(std::aligned_alloc(alignment, rounded));
    if (data_ == nullptr) throw std::bad_alloc();
    // Only a wish: without huge pages everything works all the same.
    if (alignment == kHugePage) madvise(data_.get(), size / kHugePage * kHugePage, MADV_HUGEPAGE);
  }

  void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

}  // namespace attentiond
