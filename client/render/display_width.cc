#include "client/render/display_width.h"

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace attentiond::client {
namespace {

constexpr UChar32 kEmojiPresentation = 0xfe0f;  // variation selector 16

int CodePointWidth(UChar32 code_point) {
  switch (u_charType(code_point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int east_asian = u_getIntPropertyValue(code_point, UCHAR_EAST_ASIAN_WIDTH);
  return east_asian == U_EA_WIDE || east_asian == U_EA_FULLWIDTH ? 2 : 1;
}

// A cluster is as wide as its widest code point: what follows the base joins it.
int ClusterWidth(absl::string_view cluster) {
  int width = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(cluster.data());
  const auto size = static_cast<int32_t>(cluster.size());
  for (int32_t i = 0; i < size;) {
    UChar32 code_point = 0;
    U8_NEXT(bytes, i, size, code_point);
    if (code_point < 0) code_point = 0xfffd;
    width = std::max(width, code_point == kEmojiPresentation ? 2 : CodePointWidth(code_point));
  }
  return width;
}

// The user-perceived characters of `text`.
std::vector<absl::string_view> Clusters(absl::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  static const std::unique_ptr<const icu::BreakIterator> prototype(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  ATTENTIOND_CHECK(prototype != nullptr);
  const std::unique_ptr<icu::BreakIterator> iterator(prototype->clone());
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &error);
  iterator->setText(&utext, error);
  std::vector<absl::string_view> clusters;
  int32_t start = 0;
  for (int32_t end = iterator->next(); end != icu::BreakIterator::DONE; end = iterator->next()) {
    clusters.push_back(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)));
    start = end;
  }
  utext_close(&utext);
  return clusters;
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  for (const absl::string_view cluster : Clusters(text)) width += ClusterWidth(cluster);
  return width;
}

std::string TruncateToWidth(absl::string_view text, int columns) {
  if (columns < 1) return "";
  size_t kept_bytes = 0;
  int width = 0;
  for (const absl::string_view cluster : Clusters(text)) {
    width += ClusterWidth(cluster);
    if (width > columns) return absl::StrCat(text.substr(0, kept_bytes), "…");
    // The ellipsis needs a column of its own.
    if (width <= columns - 1) kept_bytes += cluster.size();
  }
  return std::string(text);
}

std::string FitToWidth(absl::string_view text, int columns, Align align) {
  const std::string fitted = TruncateToWidth(text, columns);
  const int spaces = std::max(0, columns - DisplayWidth(fitted));
  int left = 0;
  if (align == Align::kRight) left = spaces;
  if (align == Align::kCenter) left = spaces / 2;
  return absl::StrCat(std::string(static_cast<size_t>(left), ' '), fitted,
                      std::string(static_cast<size_t>(spaces - left), ' '));
}

}  // namespace attentiond::client
