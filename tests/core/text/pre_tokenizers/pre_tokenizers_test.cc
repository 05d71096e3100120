// The pre-tokenizers but BERT's; tests/golden's samples hold them to the library's results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/text_components.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using testing::Placed;
using testing::PlacedWords;
using testing::Words;

TEST(ByteLevelTest, CutsAndWritesBytes) {
  EXPECT_THAT(PlacedWords(R"({"type": "ByteLevel", "add_prefix_space": false})", "It's é  2x"),
              ElementsAre(Placed{"It", 0, 2}, Placed{"'s", 2, 4}, Placed{"ĠÃ©", 4, 7},
                          Placed{"Ġ", 7, 8}, Placed{"Ġ2", 8, 10}, Placed{"x", 10, 11}));
}

TEST(ByteLevelTest, AddsASpace) {
  EXPECT_THAT(PlacedWords(R"({"type": "ByteLevel"})", "éa"), ElementsAre(Placed{"ĠÃ©a", 0, 3}));
  EXPECT_THAT(Words(R"({"type": "ByteLevel", "use_regex": false})", " a b"), ElementsAre("ĠaĠb"));
}

TEST(MetaspaceTest, BeginsWordsWithAVisibleSpace) {
  EXPECT_THAT(PlacedWords(R"({"type": "Metaspace"})", "a  b"),
              ElementsAre(Placed{"▁a", 0, 1}, Placed{"▁", 1, 2}, Placed{"▁b", 2, 4}));
  EXPECT_THAT(Words(R"({"type": "Metaspace", "prepend_scheme": "never"})", "a b"),
              ElementsAre("a", "▁b"));
  EXPECT_THAT(
      Words(R"({"type": "Metaspace", "add_prefix_space": false, "replacement": "_"})", "a b"),
      ElementsAre("a", "_b"));
  EXPECT_THAT(Words(R"({"type": "Metaspace", "split": false})", "a b"), ElementsAre("▁a▁b"));
}

TEST(MetaspaceTest, MayBeginOnlyTheFirst) {
  EXPECT_THAT(Words(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                        {"type": "Metaspace", "prepend_scheme": "first"}]})",
                    "a b"),
              ElementsAre("▁a", "b"));
}

TEST(CharacterSplitTest, SplitsAtCharacters) {
  EXPECT_THAT(Words(R"({"type": "Whitespace"})", "a_1, b…\u00a0é!"),
              ElementsAre("a_1", ",", "b", "…", "é", "!"));
  EXPECT_THAT(PlacedWords(R"({"type": "WhitespaceSplit"})", "a \u3000b."),
              ElementsAre(Placed{"a", 0, 1}, Placed{"b.", 5, 7}));
  EXPECT_THAT(Words(R"({"type": "Digits"})", "a12½b"), ElementsAre("a", "12½", "b"));
  EXPECT_THAT(Words(R"({"type": "Digits", "individual_digits": true})", "a12"),
              ElementsAre("a", "1", "2"));
  EXPECT_THAT(Words(R"({"type": "CharDelimiterSplit", "delimiter": "→"})", "a→→b"),
              ElementsAre("a", "b"));
  EXPECT_THAT(Words(R"({"type": "Punctuation"})", "a!?b"), ElementsAre("a", "!", "?", "b"));
  EXPECT_THAT(Words(R"({"type": "Punctuation", "behavior": "Contiguous"})", "a!?b"),
              ElementsAre("a", "!?", "b"));
}

std::vector<std::string> Split(const char* behavior, bool invert = false) {
  const nlohmann::json section = {{"type", "Split"},
                                  {"pattern", {{"String", "-"}}},
                                  {"behavior", behavior},
                                  {"invert", invert}};
  return Words(section.dump().c_str(), "the-final--countdown");
}

TEST(PatternSplitTest, HasFiveBehaviors) {
  EXPECT_THAT(Split("Removed"), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(Split("Isolated"), ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(Split("MergedWithPrevious"), ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(Split("MergedWithNext"), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(Split("Contiguous"), ElementsAre("the", "-", "final", "--", "countdown"));
  EXPECT_THAT(Split("Removed", /*invert=*/true), ElementsAre("-", "-", "-"));
}

TEST(PatternSplitTest, CutsEachWordByItself) {
  EXPECT_THAT(Words(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                        {"type": "Split", "pattern": {"Regex": "^."}, "behavior": "Isolated"}]})",
                    "ab cd"),
              ElementsAre("a", "b", "c", "d"));
}

TEST(PreTokenizerTest, SaysWhatIsWrong) {
  struct Case {
    const char* section;
    absl::Status status;
  };
  for (const auto& [section, status] : {
           Case{R"({"type": "Metaspace", "replacement": "ab"})",
                absl::InvalidArgumentError("\"replacement\" is \"ab\", one character is required")},
           Case{R"({"type": "Metaspace", "prepend_scheme": "last"})",
                absl::UnimplementedError("\"prepend_scheme\" \"last\" is not supported (supported: "
                                         "always, first, never)")},
           Case{R"({"type": "CharDelimiterSplit"})",
                absl::InvalidArgumentError("\"delimiter\" is \"\", one character is required")},
           Case{R"({"type": "Split", "pattern": "a", "behavior": "Removed"})",
                absl::InvalidArgumentError(
                    "\"pattern\" is not {\"String\": ...} or {\"Regex\": ...}")},
           Case{R"({"type": "Punctuation", "behavior": "Dropped"})",
                absl::UnimplementedError(
                    "\"behavior\" \"Dropped\" is not supported (supported: Removed, Isolated, "
                    "MergedWithPrevious, MergedWithNext, Contiguous)")},
           Case{R"({"type": "Sequence", "pretokenizers": [1]})",
                absl::InvalidArgumentError(
                    "\"pretokenizers\" has an element that is not an object")},
           Case{R"({"type": "Sequence"})",
                absl::InvalidArgumentError("\"pretokenizers\" is not a list")},
       }) {
    EXPECT_EQ(BuildPreTokenizer(nlohmann::json::parse(section)).status(), status) << section;
  }
}

}  // namespace
}  // namespace attentiond
