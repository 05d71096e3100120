#include "core/onednn/kernel_cache.h"

#include <utility>

namespace attentiond::onednn {

absl::StatusOr<std::shared_ptr<const MicroKernel>> KernelCache::Get(const MicroKernelShape& shape) {
  if (const auto found = by_shape_.find(shape); found != by_shape_.end()) {
    ++statistics_.hits;
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().kernel;
  }
  ++statistics_.misses;
  absl::StatusOr<MicroKernel> kernel = MicroKernel::Create(shape);
  if (!kernel.ok()) return kernel.status();
  entries_.push_front({shape, std::make_shared<const MicroKernel>(*std::move(kernel))});
  by_shape_[shape] = entries_.begin();
  std::shared_ptr<const MicroKernel> made = entries_.front().kernel;
  if (entries_.size() > capacity_) {
    by_shape_.erase(entries_.back().shape);
    entries_.pop_back();
  }
  return made;
}

}  // namespace attentiond::onednn
