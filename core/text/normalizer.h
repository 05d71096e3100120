// core/text/normalizer.h -- the first step of a tokenizer: rewrites the text.
#pragma once

#include "absl/status/status.h"
#include "core/text/aligned_text.h"

namespace attentiond {

/// Threads: immutable.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Rewrites `text`, keeping its alignment to the source. kInvalidArgument: the rules make it too
  /// long (AlignedText::kMaxBytes), or a regular expression takes too many steps on it.
  virtual absl::Status Normalize(AlignedText* text) const = 0;
};

}  // namespace attentiond
