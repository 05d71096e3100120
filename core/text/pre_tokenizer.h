// core/text/pre_tokenizer.h -- the second step of a tokenizer: cuts the text into words, which the
// model then cuts into tokens one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "core/text/aligned_text.h"

namespace attentiond {

/// Bytes [begin, end) of PreTokenizedText::text. 32 bits for the reason SourceSpan has.
struct WordRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct PreTokenizedText {
  AlignedText text;
  /// In order, without overlap, never empty; what lies between them is dropped.
  std::vector<WordRange> words;

  absl::string_view word(const WordRange& range) const {
    return text.text().substr(range.begin, range.end - range.begin);
  }
};

/// Threads: immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts each word further; may rewrite the text as well. Errors are those of a Normalizer.
  virtual absl::Status PreTokenize(PreTokenizedText* text) const = 0;
};

}  // namespace attentiond
