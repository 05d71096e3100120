// server/inference/token_spans.cc -- byte offsets to code points, neighbours to words.
#include "server/inference/token_spans.h"

#include <unicode/uchar.h>

#include "core/text/unicode.h"

namespace attentiond {
namespace {

/// A place in a UTF-8 text, in bytes and in code points. Moves both ways, so that the cost is the
/// distance between the places asked for.
class CodePointCursor {
 public:
  explicit CodePointCursor(absl::string_view text) : text_(text) {}

  /// `byte` is at most the text's size and on a character boundary.
  int64_t CodePointsBefore(int64_t byte) {
    for (; byte_ < byte; ++byte_) code_points_ += IsLead(byte_) ? 1 : 0;
    for (; byte_ > byte; --byte_) code_points_ -= IsLead(byte_ - 1) ? 1 : 0;
    return code_points_;
  }

 private:
  bool IsLead(int64_t byte) const {
    return (static_cast<uint8_t>(text_[static_cast<size_t>(byte)]) & 0xc0) != 0x80;
  }

  const absl::string_view text_;
  int64_t byte_ = 0;
  int64_t code_points_ = 0;
};

/// True for characters that are a word on their own, and for what stands between words.
bool Separates(char32_t character) {
  return IsWhitespace(character) || IsPunctuation(character) ||
         u_hasBinaryProperty(static_cast<UChar32>(character), UCHAR_IDEOGRAPHIC);
}

bool SeparatesBefore(absl::string_view text, int64_t end) {
  auto at = static_cast<size_t>(end);
  return at > 0 && Separates(PreviousCodePoint(text, &at));
}

bool SeparatesAfter(absl::string_view text, int64_t begin) {
  auto at = static_cast<size_t>(begin);
  return at < text.size() && Separates(NextCodePoint(text, &at));
}

/// Whether `next` begins a word, coming after `previous` in the same text.
bool BeginsWord(absl::string_view text, const Encoding::Offset& previous,
                const Encoding::Offset& next) {
  if (next.begin < previous.end) return false;  // two tokens of one character
  return next.begin > previous.end || SeparatesBefore(text, previous.end) ||
         SeparatesAfter(text, next.begin);
}

/// What SpansOf() remembers of each of the two texts.
struct Walk {
  explicit Walk(absl::string_view walked) : text(walked), cursor(walked) {}

  absl::string_view text;
  CodePointCursor cursor;
  int32_t word = -1;
  std::optional<Encoding::Offset> previous;
};

}  // namespace

std::vector<TokenSpan> SpansOf(const Encoding& encoding, absl::string_view text,
                               std::optional<absl::string_view> pair) {
  Walk walks[] = {Walk(text), Walk(pair.value_or(absl::string_view()))};
  std::vector<TokenSpan> spans(encoding.ids.size());
  for (size_t i = 0; i < spans.size(); ++i) {
    if (encoding.sequence[i] < 0) continue;
    Walk& walk = walks[encoding.sequence[i] == 0 ? 0 : 1];
    const Encoding::Offset& offset = encoding.offsets[i];
    if (!walk.previous || BeginsWord(walk.text, *walk.previous, offset)) ++walk.word;
    walk.previous = offset;
    spans[i].char_begin = walk.cursor.CodePointsBefore(offset.begin);
    spans[i].char_end = walk.cursor.CodePointsBefore(offset.end);
    spans[i].word = walk.word;
  }
  return spans;
}

}  // namespace attentiond
