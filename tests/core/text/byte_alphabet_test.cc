#include "core/text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/text/unicode.h"

namespace attentiond {
namespace {

TEST(ByteAlphabetTest, HasACharacterForEachByte) {
  const ByteAlphabet& alphabet = ByteAlphabet::Get();
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const auto character = alphabet.Character(static_cast<unsigned char>(byte));
    characters.emplace(character);
    size_t position = 0;
    const char32_t c = NextCodePoint(character, &position);
    EXPECT_FALSE(IsWhitespace(c)) << byte;
    EXPECT_EQ(alphabet.Byte(c), static_cast<unsigned char>(byte));
  }
  EXPECT_EQ(characters.size(), 256u);
  EXPECT_EQ(alphabet.Character(' '), "Ġ");
  EXPECT_EQ(alphabet.Character('a'), "a");
  EXPECT_EQ(alphabet.Character('\n'), "Ċ");
  EXPECT_EQ(alphabet.Character(0xAD), "Ń");
  EXPECT_EQ(alphabet.Byte(U' '), std::nullopt);
  EXPECT_EQ(alphabet.Byte(U'日'), std::nullopt);
}

TEST(LossyUtf8Test, ReplacesEachPartOfACharacter) {
  EXPECT_EQ(LossyUtf8("aé"), "aé");
  EXPECT_EQ(LossyUtf8("\xC3"), "\uFFFD");
  EXPECT_EQ(LossyUtf8("\xE6\x97x\xF0\x9F\x98"), "\uFFFDx\uFFFD");
  EXPECT_EQ(LossyUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
}

}  // namespace
}  // namespace attentiond
