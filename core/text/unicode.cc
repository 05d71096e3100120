#include "core/text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <cstring>

namespace attentiond {
namespace {

// Whether the character was assigned in that version. Its category may still have changed since.
bool InUnicode(int version, UChar32 c) {
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] <= version;
}

bool HasCategory(UChar32 c, uint32_t mask) { return (U_GET_GC_MASK(c) & mask) != 0; }

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

std::optional<size_t> FindInvalidUtf8(absl::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const uint8_t* const bytes = Bytes(text);
  const auto size = static_cast<int64_t>(text.size());
  int64_t i = 0;
  while (i < size) {
    if (size - i >= 8) {  // eight ASCII characters at a time
      uint64_t word = 0;
      std::memcpy(&word, bytes + i, sizeof(word));
      if ((word & kHighBits) == 0) {
        i += 8;
        continue;
      }
    }
    const int64_t begin = i;
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    if (c < 0) return static_cast<size_t>(begin);
  }
  return std::nullopt;
}

char32_t NextCodePoint(absl::string_view text, size_t* position) {
  const uint8_t* const bytes = Bytes(text);
  UChar32 c = 0;
  U8_NEXT_UNSAFE(bytes, *position, c);
  return static_cast<char32_t>(c);
}

char32_t PreviousCodePoint(absl::string_view text, size_t* position) {
  const uint8_t* const bytes = Bytes(text);
  U8_BACK_1_UNSAFE(bytes, *position);
  size_t next = *position;
  return NextCodePoint(text, &next);
}

void AppendUtf8(char32_t c, std::string* out) {
  char bytes[U8_MAX_LENGTH];
  size_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, static_cast<uint32_t>(c));
  out->append(bytes, size);
}

bool IsAscii(absl::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof(word));
    if ((word & kHighBits) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

std::string LossyUtf8(absl::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  const auto size = static_cast<int64_t>(bytes.size());
  for (int64_t i = 0; i < size;) {
    const int64_t begin = i;
    UChar32 c = 0;
    U8_NEXT(Bytes(bytes), i, size, c);
    if (c < 0) {
      AppendUtf8(0xFFFD, &text);
    } else {
      text.append(bytes.data() + begin, static_cast<size_t>(i - begin));
    }
  }
  return text;
}

bool IsWhitespace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

bool IsWordCharacter(char32_t c) {
  const auto ch = static_cast<UChar32>(c);
  return u_isUAlphabetic(ch) || HasCategory(ch, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(ch, UCHAR_JOIN_CONTROL);
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && c < 0x7f && !u_isalnum(static_cast<UChar32>(c));
  // Punctuation in Unicode 8, something else since.
  if (c == 0x166D || c == 0x111C9) return true;
  const auto ch = static_cast<UChar32>(c);
  return HasCategory(ch, U_GC_P_MASK) && InUnicode(8, ch);
}

bool IsNonspacingMark(char32_t c) {
  switch (c) {
    case 0x1734:  // one in Unicode 8, something else since
      return true;
    case 0x1885:  // the other way round
    case 0x1886:
    case 0xA9BD:
    case 0x111C9:
      return false;
    default:
      const auto ch = static_cast<UChar32>(c);
      return HasCategory(ch, U_GC_MN_MASK) && InUnicode(8, ch);
  }
}

bool IsCombiningMark(char32_t c) {
  if (c < 0x300) return false;
  if (c == 0x1CF2 || c == 0x1CF3) return true;  // ones in Unicode 9, something else since
  if (c == 0x111C9) return false;               // the other way round
  const auto ch = static_cast<UChar32>(c);
  return HasCategory(ch, U_GC_M_MASK) && InUnicode(9, ch);
}

bool IsNumeric(char32_t c) { return HasCategory(static_cast<UChar32>(c), U_GC_N_MASK); }

void AppendLowercase(char32_t c, std::u32string* out) {
  if (c == 0x130) {  // the one character whose lower case is two: an i and its dot
    out->append({U'i', char32_t{0x307}});
    return;
  }
  out->push_back(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
}

bool IsControlOrFormat(char32_t c) {
  const auto ch = static_cast<UChar32>(c);
  if (HasCategory(ch, U_GC_CC_MASK | U_GC_CO_MASK)) return true;
  return HasCategory(ch, U_GC_CF_MASK) && InUnicode(8, ch);
}

}  // namespace attentiond
