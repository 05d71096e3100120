// core/text/byte_alphabet.h -- a printable character for each byte: how byte-level vocabularies
// write text.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/text/aligned_text.h"

namespace attentiond {

/// Source: bytes_to_unicode of openai/gpt-2.
class ByteAlphabet {
 public:
  static const ByteAlphabet& Get();

  /// The character that stands for a byte, in UTF-8.
  absl::string_view Character(unsigned char byte) const { return characters_[byte]; }
  /// The byte that a character stands for.
  std::optional<unsigned char> Byte(char32_t c) const;
  /// Appends the characters for the bytes [begin, end) of `text`.
  void AppendSlice(const AlignedText& text, size_t begin, size_t end, AlignedText* out) const;

 private:
  ByteAlphabet();

  std::array<std::string, 256> characters_;
  std::array<int16_t, 0x144> bytes_;  // by character; -1 for none
};

/// The character for a space, in UTF-8.
inline constexpr char32_t kByteLevelSpace = 0x120;

}  // namespace attentiond
