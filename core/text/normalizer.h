// core/text/normalizer.h -- the first step of a tokenizer: rewrites the text.
#pragma once

#include "core/text/aligned_text.h"

namespace attentiond {

/// Threads: immutable.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Rewrites `text`, keeping its alignment to the source.
  virtual void Normalize(AlignedText* text) const = 0;
};

}  // namespace attentiond
