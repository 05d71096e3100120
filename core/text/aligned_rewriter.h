// core/text/aligned_rewriter.h -- rewrites an AlignedText character by character, each with what it
// means for the alignment.
#pragma once

#include <cstddef>
#include <utility>

#include "core/text/aligned_text.h"

namespace attentiond {

/// Source: NormalizedString::transform of huggingface/tokenizers.
class AlignedRewriter {
 public:
  /// `text` must outlive the rewriter.
  explicit AlignedRewriter(const AlignedText& text);

  /// The next character of the result. `change` is 0 when it replaces the next character of the
  /// text, 1 when it is an additional one, which shares the place of the one before, and -n when it
  /// replaces the next one and n more are dropped.
  void Emit(char32_t c, int change);
  AlignedText Finish() && { return std::move(out_); }

 private:
  void Advance();

  const AlignedText& in_;
  size_t position_ = 0;  // in in_: what has been replaced
  AlignedText out_;
};

}  // namespace attentiond
