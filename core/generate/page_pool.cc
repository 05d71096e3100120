#include "core/generate/page_pool.h"

#include <cstring>

namespace attentiond {

PagePool::PagePool(const KeyValueLayout& layout, int64_t num_pages)
    : layout_(layout),
      size_(num_pages),
      memory_(static_cast<size_t>(num_pages) * layout.page_bytes()),
      references_(static_cast<size_t>(num_pages), 0) {
  free_.reserve(static_cast<size_t>(num_pages));
  for (int64_t page = num_pages; page > 0; --page) free_.push_back(static_cast<int32_t>(page - 1));
}

bool PagePool::Reserve(int64_t pages) {
  if (pages > size_ - reserved()) return false;
  reserved_ += pages;
  return true;
}

void PagePool::Unreserve(int64_t pages) { reserved_ -= pages; }

int32_t PagePool::Allocate() {
  const int32_t page = free_.back();
  free_.pop_back();
  references_[static_cast<size_t>(page)] = 1;
  ++used_;
  return page;
}

void PagePool::Release(int32_t page) {
  if (--references_[static_cast<size_t>(page)] > 0) return;
  free_.push_back(page);
  --used_;
}

int32_t PagePool::CopyOf(int32_t shared) {
  const int32_t copy = Allocate();
  std::memcpy(page(copy), page(shared), layout_.page_bytes());
  Release(shared);
  return copy;
}

}  // namespace attentiond
