// core/text/truncation.h -- how many tokens of a text and of its pair stay.
#pragma once

#include <cstdint>

namespace attentiond {

struct SequenceLengths {
  int64_t text = 0;
  int64_t pair = 0;  ///< 0 without a pair
  friend bool operator==(const SequenceLengths&, const SequenceLengths&) = default;
};

/// "Longest first": the longer of the two gives way until both fit into `max_total` >= 0 tokens or
/// are as long as each other; then both give way, and the longer (of equals the pair) keeps the odd
/// token.
/// Source: truncate_encodings of huggingface/tokenizers.
SequenceLengths TruncateLongestFirst(SequenceLengths lengths, int64_t max_total, bool has_pair);

}  // namespace attentiond
