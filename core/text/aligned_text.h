// core/text/aligned_text.h -- text on its way through a tokenizer, which remembers for every byte
// where in the source it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// Bytes [begin, end) of the source. 32 bits: Tokenizer::kMaxTextBytes is far below.
struct SourceSpan {
  int32_t begin = 0;
  int32_t end = 0;
  friend bool operator==(const SourceSpan&, const SourceSpan&) = default;
};

/// Well-formed UTF-8 with a SourceSpan for each byte: whole characters of the source, the same for
/// all bytes of a character. As long as nothing moved, the spans are not stored: that is how most
/// text, being ASCII, stays cheap.
class AlignedText {
 public:
  /// The most bytes that a rewrite may grow a text to: what stops rules that multiply it.
  static constexpr size_t kMaxBytes = size_t{64} << 20;

  AlignedText() = default;
  /// A piece of the source that begins at its byte `source_begin`, unchanged.
  AlignedText(absl::string_view text, size_t source_begin)
      : bytes_(text), identity_(true), source_begin_(static_cast<int32_t>(source_begin)) {}
  /// An empty text to which what becomes of `text` is appended.
  static AlignedText RewriteOf(const AlignedText& text);

  absl::string_view text() const { return bytes_; }
  /// For changes that keep every character where it is and as long as it is.
  std::string& mutable_bytes() { return bytes_; }

  /// The source of the non-empty range [begin, end) of text().
  SourceSpan Source(size_t begin, size_t end) const;
  /// Where the source of the text begins.
  int32_t source_begin() const { return source_begin_; }

  /// Appends to a rewrite: one character, or characters that all come from one place.
  void Append(char32_t c, SourceSpan source);
  void Append(absl::string_view bytes, SourceSpan source);
  /// Appends the characters [begin, end) of another text as they are.
  void AppendSlice(const AlignedText& other, size_t begin, size_t end);
  void Reserve(size_t bytes);

  /// The range [begin, end) on its own.
  AlignedText Slice(size_t begin, size_t end) const;

  /// kInvalidArgument when a rewrite has grown beyond kMaxBytes.
  absl::Status CheckSize() const;

 private:
  std::string bytes_;
  bool identity_ = false;  // byte i came from source_begin_ + i
  int32_t source_begin_ = 0;
  std::vector<SourceSpan> spans_;  // without identity_; one per byte
};

}  // namespace attentiond
