// core/text/unicode.h -- UTF-8 and the character classes that tokenizers ask for, from ICU.
//
// Categories are those of Unicode 8 where a function says so: the library whose tokenizers these
// are has that version's tables, and a token id must not depend on ours being newer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace attentiond {

/// The byte at which `text` stops being well-formed UTF-8; nothing when all of it is.
std::optional<size_t> FindInvalidUtf8(absl::string_view text);

/// The code point that begins at `*position` of well-formed UTF-8; moves `*position` past it.
char32_t NextCodePoint(absl::string_view text, size_t* position);
/// The code point that ends before `*position` > 0; moves `*position` to its first byte.
char32_t PreviousCodePoint(absl::string_view text, size_t* position);
void AppendUtf8(char32_t c, std::string* out);
/// Whether a byte of well-formed UTF-8 continues the character that began before it.
inline bool IsContinuationByte(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}
bool IsAscii(absl::string_view text);
/// `bytes` as well-formed UTF-8: what is not becomes U+FFFD, one for each maximal part of a
/// character.
std::string LossyUtf8(absl::string_view bytes);

/// Property White_Space.
bool IsWhitespace(char32_t c);
/// What regular expressions call a word character (Unicode technical standard 18, annex C).
bool IsWordCharacter(char32_t c);
/// ASCII punctuation and symbols, or category P of Unicode 8.
bool IsPunctuation(char32_t c);
/// Category Mn of Unicode 8.
bool IsNonspacingMark(char32_t c);
/// Category M of Unicode 9.
bool IsCombiningMark(char32_t c);
/// Category N.
bool IsNumeric(char32_t c);
/// The lower case of a single character, whatever surrounds it.
void AppendLowercase(char32_t c, std::u32string* out);
/// Categories Cc, Cf of Unicode 8, and Co; not the unassigned.
bool IsControlOrFormat(char32_t c);

}  // namespace attentiond
