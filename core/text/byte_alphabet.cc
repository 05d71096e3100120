#include "core/text/byte_alphabet.h"

#include "core/text/unicode.h"

namespace attentiond {

const ByteAlphabet& ByteAlphabet::Get() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

ByteAlphabet::ByteAlphabet() {
  bytes_.fill(-1);
  char32_t next = 0x100;  // for the bytes that are no printable character of Latin-1
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_printable = (byte > ' ' && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    const char32_t c = is_printable ? static_cast<char32_t>(byte) : next++;
    AppendUtf8(c, &characters_[static_cast<size_t>(byte)]);
    bytes_[c] = static_cast<int16_t>(byte);
  }
}

std::optional<unsigned char> ByteAlphabet::Byte(char32_t c) const {
  if (c >= bytes_.size() || bytes_[c] < 0) return std::nullopt;
  return static_cast<unsigned char>(bytes_[c]);
}

void ByteAlphabet::AppendSlice(const AlignedText& text, size_t begin, size_t end,
                               AlignedText* out) const {
  const absl::string_view bytes = text.text();
  for (size_t i = begin; i < end; ++i) {
    out->Append(Character(static_cast<unsigned char>(bytes[i])), text.Source(i, i + 1));
  }
}

}  // namespace attentiond
