#include "core/text/aligned_text.h"

#include "core/text/unicode.h"

namespace attentiond {

SourceSpan AlignedText::Source(size_t begin, size_t end) const {
  if (identity_) {
    return {source_begin_ + static_cast<int32_t>(begin), source_begin_ + static_cast<int32_t>(end)};
  }
  return {spans_[begin].begin, spans_[end - 1].end};
}

void AlignedText::Append(char32_t c, SourceSpan source) {
  if (c < 0x80) {
    bytes_.push_back(static_cast<char>(c));
  } else {
    AppendUtf8(c, &bytes_);
  }
  spans_.resize(bytes_.size(), source);
}

void AlignedText::Reserve(size_t bytes) {
  bytes_.reserve(bytes);
  spans_.reserve(bytes);
}

AlignedText AlignedText::Slice(size_t begin, size_t end) const {
  AlignedText slice;
  slice.bytes_ = bytes_.substr(begin, end - begin);
  slice.identity_ = identity_;
  if (identity_) {
    slice.source_begin_ = source_begin_ + static_cast<int32_t>(begin);
  } else {
    slice.spans_.assign(spans_.begin() + static_cast<ptrdiff_t>(begin),
                        spans_.begin() + static_cast<ptrdiff_t>(end));
  }
  return slice;
}

}  // namespace attentiond
