// The normalizers but BERT's; tests/golden's samples hold them to the library's results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/text_components.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using testing::Normalized;
using testing::NormalizedCharacters;
using testing::Placed;

TEST(UnicodeFormTest, ComposesAndDecomposes) {
  const std::string apart = "e\u0301";
  EXPECT_EQ(Normalized(R"({"type": "NFC"})", apart), "é");
  EXPECT_EQ(Normalized(R"({"type": "NFD"})", "é"), apart);
  EXPECT_EQ(Normalized(R"({"type": "NFKC"})", "ﬁ½①"), "fi1⁄21");
  EXPECT_EQ(Normalized(R"({"type": "NFKD"})", "ﬁé"), "fi" + apart);
  EXPECT_EQ(Normalized(R"({"type": "NFC"})", "\u1100\u1161\u11a8"), "각");
  EXPECT_EQ(Normalized(R"({"type": "NFC"})", "plain, naïve"), "plain, naïve");
}

TEST(UnicodeFormTest, SortsMarks) {
  EXPECT_EQ(Normalized(R"({"type": "NFD"})", "a\u0301\u0327"), "a\u0327\u0301");
  EXPECT_EQ(Normalized(R"({"type": "NFC"})", "a\u0301\u0327"), "á\u0327");
}

TEST(UnicodeFormTest, KeepsThePlaces) {
  EXPECT_THAT(NormalizedCharacters(R"({"type": "NFC"})", "xe\u0301y"),
              ElementsAre(Placed{"x", 0, 1}, Placed{"é", 1, 2}, Placed{"y", 4, 5}));
  EXPECT_THAT(
      NormalizedCharacters(R"({"type": "NFKC"})", "aﬁb"),
      ElementsAre(Placed{"a", 0, 1}, Placed{"f", 1, 4}, Placed{"i", 1, 4}, Placed{"b", 4, 5}));
}

// The library has Unicode 9's tables; U+32FF, of Unicode 12, has a decomposition.
TEST(UnicodeFormTest, LeavesLaterCharactersAlone) {
  EXPECT_EQ(Normalized(R"({"type": "NFKC"})", "\u32ff"), "\u32ff");
  EXPECT_EQ(Normalized(R"({"type": "NFKC"})", "\u32fe"), "ヲ");
}

TEST(CharacterNormalizersTest, TreatCharactersAlone) {
  EXPECT_EQ(Normalized(R"({"type": "Lowercase"})", "ABC"), "abc");
  EXPECT_EQ(Normalized(R"({"type": "Lowercase"})", "ÀΣİ"), "àσi\u0307");
  EXPECT_EQ(Normalized(R"({"type": "StripAccents"})", "e\u0301é\u20dd"), "eé");
  EXPECT_EQ(Normalized(R"({"type": "Nmt"})", "a\u0001\u200b\tb\u2028c\u009f"), "a  b c");
  EXPECT_EQ(Normalized(R"({"type": "ByteLevel"})", "a é"), "aĠÃ©");
  EXPECT_THAT(NormalizedCharacters(R"({"type": "ByteLevel"})", "é"),
              ElementsAre(Placed{"Ã", 0, 2}, Placed{"©", 0, 2}));
}

TEST(TextNormalizersTest, Strip) {
  EXPECT_EQ(
      Normalized(R"({"type": "Strip", "strip_left": true, "strip_right": true})", " \u3000a b\n"),
      "a b");
  EXPECT_THAT(
      NormalizedCharacters(R"({"type": "Strip", "strip_left": true, "strip_right": false})", " a "),
      ElementsAre(Placed{"a", 1, 2}, Placed{" ", 2, 3}));
  EXPECT_EQ(Normalized(R"({"type": "Strip", "strip_left": true, "strip_right": true})", "  "), "");
}

TEST(TextNormalizersTest, Prepend) {
  EXPECT_THAT(NormalizedCharacters(R"({"type": "Prepend", "prepend": "<>"})", "é"),
              ElementsAre(Placed{"<", 0, 2}, Placed{">", 0, 2}, Placed{"é", 0, 2}));
  EXPECT_EQ(Normalized(R"({"type": "Prepend", "prepend": "x"})", ""), "");
}

TEST(TextNormalizersTest, Replace) {
  EXPECT_THAT(
      NormalizedCharacters(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "__"})",
                           "a  b"),
      ElementsAre(Placed{"a", 0, 1}, Placed{"_", 2, 3}, Placed{"_", 2, 3}, Placed{"b", 3, 4}));
  EXPECT_EQ(Normalized(R"({"type": "Replace", "pattern": {"String": "."}, "content": ""})", "a.b."),
            "ab");
  EXPECT_EQ(Normalized(R"({"type": "Replace", "pattern": {"String": ""}, "content": "-"})", "ab"),
            "-a-b-");
}

TEST(NormalizerSequenceTest, RunsAllInOrder) {
  EXPECT_EQ(Normalized(R"({"type": "Sequence", "normalizers": [{"type": "NFD"},
                           {"type": "StripAccents"}, {"type": "Lowercase"}]})",
                       "ÉCOLE"),
            "ecole");
}

TEST(NormalizerTest, RefusesTextsThatRulesBlowUp) {
  nlohmann::json twice = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aaaa"}};
  nlohmann::json steps = nlohmann::json::array();
  for (int i = 0; i < 32; ++i) steps.push_back(twice);
  const auto normalizer = BuildNormalizer({{"type", "Sequence"}, {"normalizers", steps}});
  ASSERT_TRUE(normalizer.ok()) << normalizer.status();
  AlignedText text("a", 0);
  EXPECT_EQ((*normalizer)->Normalize(&text),
            absl::InvalidArgumentError("the tokenizer's rules make the text longer than the "
                                       "67108864 bytes allowed"));
}

TEST(PrecompiledTest, RefusesWhatIsNoTable) {
  for (const char* const table : {"", "?", "AAAA", "BAAAAP///w==", "////fwAAAAA="}) {
    const auto normalizer =
        BuildNormalizer({{"type", "Precompiled"}, {"precompiled_charsmap", table}});
    EXPECT_EQ(normalizer.status(), absl::InvalidArgumentError("\"precompiled_charsmap\" is not a "
                                                              "table of replacements"))
        << table;
  }
}

// A trie of one unit, all of whose edges lead out of it.
TEST(PrecompiledTest, SurvivesATrieThatLeadsOut) {
  const auto normalizer =
      BuildNormalizer({{"type", "Precompiled"}, {"precompiled_charsmap", "BAAAAAAA/P9hAA=="}});
  ASSERT_TRUE(normalizer.ok()) << normalizer.status();
  AlignedText text("abc é", 0);
  EXPECT_TRUE((*normalizer)->Normalize(&text).ok());
  EXPECT_EQ(text.text(), "abc é");
}

}  // namespace
}  // namespace attentiond
