// server/inference/text_stream.h -- a text that grows token by token, told in parts that are never
// taken back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/engine/text_generator.h"

namespace attentiond {

/// Threads: one at a time.
class TextStream {
 public:
  explicit TextStream(const TextGenerator* generator) : generator_(*generator) {}

  /// What the text has more with this token. Characters whose bytes are not all there wait.
  std::string Add(int32_t token);
  /// What `text`, all of it, has more than was told.
  std::string Finish(const std::string& text);

 private:
  const TextGenerator& generator_;
  std::vector<int32_t> ids_;
  std::string told_;
};

}  // namespace attentiond
