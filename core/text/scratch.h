// core/text/scratch.h -- working memory of a thread that outlives the word it was used for.
#pragma once

#include <cstddef>
#include <vector>

namespace attentiond {

/// Empties `scratch` for the next word, and gives its memory back when the last one was so long
/// that a thread should not hold on to it.
template <typename T>
void ResetScratch(std::vector<T>* scratch) {
  constexpr size_t kMaxKeptBytes = size_t{1} << 20;
  if (scratch->capacity() * sizeof(T) > kMaxKeptBytes) {
    std::vector<T>().swap(*scratch);
  } else {
    scratch->clear();
  }
}

}  // namespace attentiond
