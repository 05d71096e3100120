#include "core/text/graphemes.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <memory>

#include "core/base/check.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

// Whether there is a boundary wherever two such characters meet.
bool StandsAlone(char32_t c) {
  if (c < 0x300) return c != '\r' && c != '\n';
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK) ==
         U_GCB_OTHER;
}

icu::BreakIterator& ThreadsIterator() {
  static thread_local const std::unique_ptr<icu::BreakIterator> iterator = [] {
    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> made(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
    ATTENTIOND_CHECK(U_SUCCESS(error) && made != nullptr);  // the data is part of ICU
    return made;
  }();
  return *iterator;
}

void Cut(absl::string_view text, const std::function<void(absl::string_view)>& found) {
  UErrorCode error = U_ZERO_ERROR;
  UText source = UTEXT_INITIALIZER;
  utext_openUTF8(&source, text.data(), static_cast<int64_t>(text.size()), &error);
  icu::BreakIterator& iterator = ThreadsIterator();
  iterator.setText(&source, error);
  ATTENTIOND_CHECK(U_SUCCESS(error));
  int32_t begin = iterator.first();
  for (int32_t end = iterator.next(); end != icu::BreakIterator::DONE; end = iterator.next()) {
    found(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    begin = end;
  }
  utext_close(&source);
}

}  // namespace

void ForEachGrapheme(absl::string_view text, const std::function<void(absl::string_view)>& found) {
  // ICU's iterator is slow to start and to run, so it is left the stretches that need it: from a
  // character whose neighbour does not stand alone to the next that does.
  size_t begin = 0;
  size_t position = 0;
  bool previous_alone = true;
  bool is_simple = true;  // the stretch is one character
  while (position < text.size()) {
    const size_t at = position;
    const bool alone = StandsAlone(NextCodePoint(text, &position));
    if (at > begin && alone && previous_alone) {
      const absl::string_view stretch = text.substr(begin, at - begin);
      is_simple ? found(stretch) : Cut(stretch, found);
      begin = at;
      is_simple = true;
    } else if (at > begin) {
      is_simple = false;
    }
    previous_alone = alone;
  }
  if (begin == text.size()) return;
  is_simple ? found(text.substr(begin)) : Cut(text.substr(begin), found);
}

}  // namespace attentiond
