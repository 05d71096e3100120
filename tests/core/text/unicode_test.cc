#include "core/text/unicode.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace attentiond {
namespace {

TEST(Utf8Test, FindsTheFirstIllFormedByte) {
  struct Case {
    absl::string_view text;
    std::optional<size_t> byte;
  };
  for (const auto& [text, byte] : {
           Case{"", {}},
           Case{"plain ASCII, longer than a word", {}},
           Case{"\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x91\x8d", {}},
           Case{absl::string_view("\0", 1), {}},
           Case{"\xff", 0},
           Case{"12345678\x80", 8},
           Case{"1234567\x80", 7},
           Case{"a\xc3", 1},  // ends inside a character
           Case{"a\xe4\xbd", 1},
           Case{"a\xf0\x9f\x91", 1},
           Case{"\xc3\xa9\xc0\xaf", 2},  // overlong
           Case{"\xed\xa0\x80", 0},      // a surrogate
           Case{"\xf4\x90\x80\x80", 0},  // beyond U+10FFFF
           Case{"ab\xe4\x62\x63\x64", 2},
       }) {
    EXPECT_EQ(FindInvalidUtf8(text), byte) << text;
  }
}

TEST(Utf8Test, EveryCodePointGoesThereAndBack) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "x";
    AppendUtf8(c, &text);
    ASSERT_EQ(FindInvalidUtf8(text), std::nullopt);
    size_t position = 1;
    ASSERT_EQ(NextCodePoint(text, &position), c);
    ASSERT_EQ(position, text.size());
    ASSERT_EQ(PreviousCodePoint(text, &position), c);
    ASSERT_EQ(position, 1u);
  }
}

// The code points, as ranges, for which `holds`, in the form of testdata/bert_unicode.json.
nlohmann::json Ranges(const std::function<bool(char32_t)>& holds) {
  std::vector<std::vector<uint32_t>> ranges;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if ((c >= 0xD800 && c < 0xE000) || !holds(c)) continue;
    if (!ranges.empty() && ranges.back()[1] == c - 1) {
      ranges.back()[1] = c;
    } else {
      ranges.push_back({c, c});
    }
  }
  return ranges;
}

TEST(CharacterClassTest, AgreesWithTheLibraryOnEveryCodePoint) {
  std::ifstream in(ATTENTIOND_SOURCE_DIR "/tests/core/text/testdata/bert_unicode.json");
  const nlohmann::json expected = nlohmann::json::parse(in);
  EXPECT_EQ(Ranges(IsWhitespace), expected.at("separator"));
  EXPECT_EQ(Ranges(IsPunctuation), expected.at("punctuation"));
  EXPECT_EQ(Ranges(IsNonspacingMark), expected.at("nonspacing_mark"));
}

TEST(CharacterClassTest, WordCharacters) {
  for (const char32_t c : {U'a', U'Z', U'0', U'_', U'é', U'你', U'́', U'٠', U'\u200d', U'ⅷ'}) {
    EXPECT_TRUE(IsWordCharacter(c)) << static_cast<uint32_t>(c);
  }
  for (const char32_t c : {U' ', U'-', U'.', U'\u00a0', U'$', U'👍', U'½'}) {
    EXPECT_FALSE(IsWordCharacter(c)) << static_cast<uint32_t>(c);
  }
}

}  // namespace
}  // namespace attentiond
