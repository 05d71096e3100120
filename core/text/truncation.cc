#include "core/text/truncation.h"

#include <algorithm>
#include <utility>

namespace attentiond {

SequenceLengths TruncateLongestFirst(SequenceLengths lengths, int64_t max_total, bool has_pair) {
  if (lengths.text + lengths.pair <= max_total) return lengths;
  if (!has_pair) return {max_total, 0};
  int64_t shorter = std::min(lengths.text, lengths.pair);
  int64_t longer = std::max(shorter, max_total - shorter);
  if (shorter + longer > max_total) {
    shorter = max_total / 2;
    longer = max_total - shorter;
  }
  return lengths.text > lengths.pair ? SequenceLengths{longer, shorter}
                                     : SequenceLengths{shorter, longer};
}

}  // namespace attentiond
