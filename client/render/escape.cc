#include "client/render/escape.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

namespace attentiond::client {
namespace {

constexpr UChar32 kReplacement = 0xfffd;

UChar32 PrintableCodePoint(UChar32 code_point) {
  if (code_point < 0) return kReplacement;  // not UTF-8
  if (code_point < 0x20) return 0x2400 + code_point;
  if (code_point == 0x7f) return 0x2421;
  const bool control = code_point < 0xa0 && code_point >= 0x80;
  const bool separator = code_point == 0x2028 || code_point == 0x2029;
  if (control || separator || u_hasBinaryProperty(code_point, UCHAR_BIDI_CONTROL)) {
    return kReplacement;
  }
  return code_point;
}

void AppendUtf8(UChar32 code_point, std::string* out) {
  uint8_t bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code_point);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    UChar32 code_point = 0;
    U8_NEXT(bytes, i, size, code_point);
    AppendUtf8(PrintableCodePoint(code_point), &out);
  }
  return out;
}

std::string EscapeMarkup(absl::string_view text) {
  std::string out;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace attentiond::client
