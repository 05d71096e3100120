#include "core/text/aligned_rewriter.h"

#include "core/text/unicode.h"

namespace attentiond {

AlignedRewriter::AlignedRewriter(const AlignedText& text)
    : in_(text), out_(AlignedText::RewriteOf(text)) {
  out_.Reserve(text.text().size() + text.text().size() / 8);
}

void AlignedRewriter::Emit(char32_t c, int change) {
  const size_t size = in_.text().size();
  SourceSpan place = {in_.source_begin(), in_.source_begin()};
  if (change <= 0 && position_ < size) {
    place = in_.Source(position_, position_ + 1);
  } else if (position_ > 0) {
    place = in_.Source(position_ - 1, position_);
  }
  out_.Append(c, place);
  for (; change <= 0; ++change) Advance();
}

void AlignedRewriter::Advance() {
  const absl::string_view text = in_.text();
  if (position_ == text.size()) return;
  ++position_;
  while (position_ < text.size() && IsContinuationByte(text[position_])) ++position_;
}

}  // namespace attentiond
