#include "core/text/aligned_text.h"

#include "absl/strings/str_cat.h"
#include "core/text/unicode.h"

namespace attentiond {

AlignedText AlignedText::RewriteOf(const AlignedText& text) {
  AlignedText rewrite;
  rewrite.source_begin_ = text.source_begin_;
  return rewrite;
}

SourceSpan AlignedText::Source(size_t begin, size_t end) const {
  if (!identity_) return {spans_[begin].begin, spans_[end - 1].end};
  while (begin > 0 && IsContinuationByte(bytes_[begin])) --begin;
  while (end < bytes_.size() && IsContinuationByte(bytes_[end])) ++end;
  return {source_begin_ + static_cast<int32_t>(begin), source_begin_ + static_cast<int32_t>(end)};
}

void AlignedText::Append(char32_t c, SourceSpan source) {
  if (c < 0x80) {
    bytes_.push_back(static_cast<char>(c));
    spans_.push_back(source);
    return;
  }
  AppendUtf8(c, &bytes_);
  spans_.resize(bytes_.size(), source);
}

void AlignedText::Append(absl::string_view bytes, SourceSpan source) {
  bytes_.append(bytes.data(), bytes.size());
  spans_.resize(bytes_.size(), source);
}

void AlignedText::AppendSlice(const AlignedText& other, size_t begin, size_t end) {
  bytes_.append(other.bytes_, begin, end - begin);
  if (!other.identity_) {
    spans_.insert(spans_.end(), other.spans_.begin() + static_cast<ptrdiff_t>(begin),
                  other.spans_.begin() + static_cast<ptrdiff_t>(end));
    return;
  }
  while (begin < end) {
    size_t next = begin + 1;
    while (next < end && IsContinuationByte(other.bytes_[next])) ++next;
    const SourceSpan span = {other.source_begin_ + static_cast<int32_t>(begin),
                             other.source_begin_ + static_cast<int32_t>(next)};
    for (; begin < next; ++begin) spans_.push_back(span);
  }
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
    slice.source_begin_ = begin < end ? spans_[begin].begin : source_begin_;
    slice.spans_.assign(spans_.begin() + static_cast<ptrdiff_t>(begin),
                        spans_.begin() + static_cast<ptrdiff_t>(end));
  }
  return slice;
}

absl::Status AlignedText::CheckSize() const {
  if (bytes_.size() <= kMaxBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the tokenizer's rules make the text longer than the ", kMaxBytes, " bytes allowed"));
}

}  // namespace attentiond
