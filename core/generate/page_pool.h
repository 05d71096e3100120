// core/generate/page_pool.h -- the pages of keys and values that sequences take and share.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/tensor/aligned_buffer.h"
#include "core/tensor/key_value_layout.h"

namespace attentiond {

/// A fixed number of pages, counted by references: beams share those of their common past. Pages
/// are set aside before a sequence begins, so that none fails midway.
///
/// Threads: one at a time; the counts from any.
class PagePool {
 public:
  /// At least one page. The memory is taken from the system when pages are first used.
  PagePool(const KeyValueLayout& layout, int64_t num_pages);

  char* data() const { return static_cast<char*>(memory_.data()); }
  char* page(int32_t index) const {
    return data() + static_cast<size_t>(index) * layout_.page_bytes();
  }

  int64_t size() const { return size_; }
  int64_t reserved() const { return reserved_.load(std::memory_order_relaxed); }
  int64_t used() const { return used_.load(std::memory_order_relaxed); }

  /// Sets pages aside; false: so many are not free.
  bool Reserve(int64_t pages);
  void Unreserve(int64_t pages);

  /// A page with one reference, of those that were set aside: there is one.
  int32_t Allocate();
  void Share(int32_t page) { ++references_[static_cast<size_t>(page)]; }
  void Release(int32_t page);
  void Release(const std::vector<int32_t>& pages) {
    for (const int32_t page : pages) Release(page);
  }
  bool IsShared(int32_t page) const { return references_[static_cast<size_t>(page)] > 1; }
  /// A page with the same content, for whoever holds a reference to `page` and gives it up.
  int32_t CopyOf(int32_t page);

 private:
  const KeyValueLayout layout_;
  const int64_t size_;
  AlignedBuffer memory_;
  std::vector<int32_t> references_;  // by page
  std::vector<int32_t> free_;        // the one that was released last is taken first
  std::atomic<int64_t> reserved_{0}, used_{0};
};

}  // namespace attentiond
