// core/text/sentences.h -- where the sentences of a text are: texts longer than a model are
// translated by the sentence.
//
// Public header of core/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace attentiond {

/// Bytes [begin, end) of a text, without white space at either end.
struct SentenceSpan {
  size_t begin = 0;
  size_t end = 0;
  friend bool operator==(const SentenceSpan&, const SentenceSpan&) = default;
};

/// In order; none of a text that is only white space. As Unicode annex 29 says, and with the
/// abbreviations of `language` ("en", "eng_Latn", "en_XX"; "": those that any language breaks at),
/// where ICU knows them. kInvalidArgument: not a text (text_check.h).
absl::StatusOr<std::vector<SentenceSpan>> FindSentences(absl::string_view text,
                                                        absl::string_view language);

/// `text` with `replacements` in place of `sentences`, one each: what is between them stays.
std::string ReplaceSentences(absl::string_view text, absl::Span<const SentenceSpan> sentences,
                             absl::Span<const std::string> replacements);

}  // namespace attentiond
