#include "core/weights/quoted.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace attentiond {

std::string Quoted(absl::string_view text) {
  constexpr size_t kMaxBytes = 80;
  if (text.size() <= kMaxBytes) return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
  size_t end = kMaxBytes;
  // Not inside a UTF-8 sequence: back over its continuation bytes.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, end)), "...\"");
}

}  // namespace attentiond
