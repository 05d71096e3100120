// core/ops/workspace.h -- scratch memory that grows to the largest batch seen and is then reused.
#pragma once

#include <array>
#include <cstddef>

#include "core/tensor/aligned_buffer.h"

namespace attentiond {

/// Named scratch buffers. A buffer's content is lost when it is asked for again with a larger size.
/// Not thread-safe.
class Workspace {
 public:
  /// One per simultaneous use, so that callers cannot take each other's.
  enum class Slot {
    kHidden,
    kProjection,
    kAttentionOutput,
    kIntermediate,
    kNormed,
    kRowStarts,
    kAttentionScratch,
    kAttentionPartials,
    kRowGroups,
    kPositions,
    kPagedTokens,
    kPagedRows,
    kLogits,
    kPositionScores,
    kPositionProducts,
    kRotations,
    kGate,
    kEmbeddings,
    kPrimitive,
    kQuantized,
    kOutputBlocks,
    kCount
  };

  /// At least `bytes`, 64-byte aligned, uninitialised.
  void* Get(Slot slot, size_t bytes) {
    AlignedBuffer& buffer = buffers_[static_cast<size_t>(slot)];
    if (buffer.size() < bytes) buffer = AlignedBuffer(bytes);
    return buffer.data();
  }
  size_t total_bytes() const {
    size_t total = 0;
    for (const AlignedBuffer& buffer : buffers_) total += buffer.size();
    return total;
  }

 private:
  std::array<AlignedBuffer, static_cast<size_t>(Slot::kCount)> buffers_;
};

}  // namespace attentiond
