// core/text/unicode_normalization.h -- the parts of Unicode normalization: decomposition, combining
// classes, composition.
//
// Those of Unicode 9: the library whose tokenizers these are has that version's tables. What a
// character of that version decomposes to never changes, so ICU's tables serve, without the
// characters that came later.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"

namespace attentiond {

using Decomposition = absl::InlinedVector<char32_t, 4>;

/// What `c` decomposes to, fully: canonically, or with the compatibility mappings as well. Nothing
/// when it stays as it is.
std::optional<Decomposition> Decompose(char32_t c, bool compatibility);
uint8_t CombiningClass(char32_t c);
/// The primary composite of a pair.
std::optional<char32_t> Compose(char32_t first, char32_t second);

}  // namespace attentiond
