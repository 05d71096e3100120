// core/text/token_model.h -- the third step of a tokenizer: cuts a word into tokens of the
// vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/text/vocabulary.h"

namespace attentiond {

/// A token and the bytes [begin, end) of the word that it stands for.
struct ModelToken {
  int32_t id = 0;
  size_t begin = 0;
  size_t end = 0;
  bool is_verbatim = false;  ///< is called what it stands for: VerbatimToken
};

/// Threads: immutable.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the tokens of a non-empty, well-formed word. kInvalidArgument: it has a part that no
  /// token stands for, and the model no token for that.
  virtual absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
};

}  // namespace attentiond
