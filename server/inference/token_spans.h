// server/inference/token_spans.h -- where tokens are in their text: in characters, and in words.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// Place of one token in the text, or the pair, that it came from.
struct TokenSpan {
  /// Unicode code points [begin, end) of the text; 0, 0 for special tokens.
  int64_t char_begin = 0;
  int64_t char_end = 0;
  /// The word of that text, from 0; nullopt for special tokens. A word is a run of tokens without
  /// white space between them; punctuation marks, ASCII symbols and ideographs are words of their
  /// own, which is how BERT cuts before it tokenizes.
  std::optional<int32_t> word;
};

/// One span for each token of `encoding`, which came from `text` and `pair` (both valid UTF-8).
///
/// Cost      linear in the tokens and the bytes between them.
/// Threads   any.
std::vector<TokenSpan> SpansOf(const Encoding& encoding, absl::string_view text,
                               std::optional<absl::string_view> pair);

}  // namespace attentiond
