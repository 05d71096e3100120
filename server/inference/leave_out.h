// server/inference/leave_out.h -- the words of a tokenized input, and the input without one of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// A word of an input: a run of tokens.
struct InputWord {
  size_t token_begin = 0, token_end = 0;  ///< tokens [begin, end)
  int32_t sequence = 0;                   ///< 0 text, 1 pair
  int32_t index = 0;                      ///< TokenSpan::word
  /// Its place in that text, without white space around it.
  Encoding::Offset bytes = {};
  int64_t char_begin = 0, char_end = 0;
};

/// The words of `encoding`, which came from `text` and `pair` (both valid UTF-8), in order: what
/// SpansOf() counts as words. Tokens of white space alone belong to the word after them; those that
/// the post-processor added, and white space at the end, to none.
std::vector<InputWord> WordsOf(const Encoding& encoding, absl::string_view text,
                               std::optional<absl::string_view> pair);

/// `values`, of which there is one for each token, without those of `word`.
std::vector<int32_t> Without(const InputWord& word, const std::vector<int32_t>& values);

}  // namespace attentiond
