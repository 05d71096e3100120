// tests/fuzz/encoding_invariants.h -- what holds of every encoding of every text, by any tokenizer.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "core/base/check.h"
#include "core/text/tokenizer.h"

namespace attentiond::testing {

inline bool IsCharacterBoundary(absl::string_view text, int64_t position) {
  const auto index = static_cast<size_t>(position);
  return index == text.size() || (static_cast<unsigned char>(text[index]) & 0xC0) != 0x80;
}

/// Ends the process when `encoding` cannot be one of `text` and `pair` (empty without one).
inline void CheckEncoding(const Tokenizer& tokenizer, const Encoding& encoding,
                          absl::string_view text, absl::string_view pair,
                          const EncodeOptions& options) {
  const size_t size = encoding.ids.size();
  ATTENTIOND_CHECK(encoding.type_ids.size() == size);
  ATTENTIOND_CHECK(encoding.offsets.size() == size);
  ATTENTIOND_CHECK(encoding.sequence.size() == size);
  ATTENTIOND_CHECK(options.max_length == 0 || encoding.size() <= options.max_length);
  ATTENTIOND_CHECK(encoding.truncated_tokens >= 0);
  if (encoding.truncated_tokens > 0) ATTENTIOND_CHECK(encoding.size() == options.max_length);
  for (size_t i = 0; i < size; ++i) {
    ATTENTIOND_CHECK(encoding.ids[i] >= 0 && encoding.ids[i] < tokenizer.vocab_size());
    ATTENTIOND_CHECK(encoding.type_ids[i] >= 0);
    const auto [begin, end] = encoding.offsets[i];
    if (encoding.sequence[i] == -1) {
      ATTENTIOND_CHECK(begin == 0 && end == 0 && options.add_special_tokens);
      continue;
    }
    ATTENTIOND_CHECK(encoding.sequence[i] == 0 || encoding.sequence[i] == 1);
    const absl::string_view source = encoding.sequence[i] == 0 ? text : pair;
    // A token may stand for nothing of the source: for a space that was added, or the first of the
    // bytes that one character became.
    ATTENTIOND_CHECK(0 <= begin && begin <= end && end <= static_cast<int64_t>(source.size()));
    ATTENTIOND_CHECK(IsCharacterBoundary(source, begin) && IsCharacterBoundary(source, end));
  }
  const auto decoded = tokenizer.Decode(encoding.ids, /*skip_special_tokens=*/false);
  ATTENTIOND_CHECK(decoded.ok() || decoded.status().code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace attentiond::testing
