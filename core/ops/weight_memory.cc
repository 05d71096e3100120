#include "core/ops/weight_memory.h"

#include <cstring>
#include <utility>

#include "core/base/mutex.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

constexpr size_t kChunkBytes = size_t{8} << 20;
// Larger parts have memory of their own: they would leave much of a chunk unused.
constexpr size_t kLargestPart = kChunkBytes / 4;

class Chunks {
 public:
  std::shared_ptr<void> Cut(size_t size) {
    const MutexLock lock(&mutex_);
    std::shared_ptr<AlignedBuffer> chunk = current_.lock();
    if (chunk == nullptr || used_ + size > kChunkBytes) {
      chunk = std::make_shared<AlignedBuffer>(kChunkBytes);
      current_ = chunk;
      used_ = 0;
    }
    void* const part = static_cast<char*>(chunk->data()) + used_;
    used_ += (size + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment *
             AlignedBuffer::kAlignment;
    return {std::move(chunk), part};
  }

 private:
  Mutex mutex_;
  std::weak_ptr<AlignedBuffer> current_ ABSL_GUARDED_BY(mutex_);
  size_t used_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::shared_ptr<void> Allocate(size_t size) {
  if (size > kLargestPart) {
    auto buffer = std::make_shared<AlignedBuffer>(size);
    return {buffer, buffer->data()};
  }
  static Chunks chunks;
  return chunks.Cut(size);
}

}  // namespace

WeightMemory::WeightMemory(size_t size) : data_(Allocate(size)), size_(size) {
  std::memset(data(), 0, size);
}

}  // namespace attentiond
