// core/text/decoder.h -- the way back: joins tokens into text.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace attentiond {

/// Threads: immutable.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Rewrites the tokens into pieces that, put together without anything between, are the text.
  /// kInvalidArgument: a regular expression takes too many steps on them.
  virtual absl::Status Decode(std::vector<std::string>* pieces) const = 0;
};

}  // namespace attentiond
