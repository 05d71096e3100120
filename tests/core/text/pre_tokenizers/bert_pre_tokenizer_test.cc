#include "core/text/pre_tokenizers/bert_pre_tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attentiond {
namespace {

std::vector<std::string> Words(absl::string_view text, std::vector<WordRange> words) {
  PreTokenizedText pre_tokenized{AlignedText(text, 0), std::move(words)};
  EXPECT_TRUE(BertPreTokenizer().PreTokenize(&pre_tokenized).ok());
  std::vector<std::string> result;
  for (const WordRange& word : pre_tokenized.words) {
    result.emplace_back(pre_tokenized.word(word));
  }
  return result;
}

std::vector<std::string> Words(absl::string_view text) {
  return Words(text, {{0, static_cast<uint32_t>(text.size())}});
}

using Strings = std::vector<std::string>;

TEST(BertPreTokenizerTest, CutsAtSpaceAndPunctuation) {
  EXPECT_EQ(Words("one two"), (Strings{"one", "two"}));
  EXPECT_EQ(Words("  one\t\n two  "), (Strings{"one", "two"}));
  EXPECT_EQ(Words("don't stop."), (Strings{"don", "'", "t", "stop", "."}));
  EXPECT_EQ(Words("...a"), (Strings{".", ".", ".", "a"}));
  EXPECT_EQ(Words("$5 ~ a_b"), (Strings{"$", "5", "~", "a", "_", "b"}));
}

TEST(BertPreTokenizerTest, KnowsUnicode) {
  EXPECT_EQ(Words("é\u00a0ü\u3000x"), (Strings{"é", "ü", "x"}));
  EXPECT_EQ(Words("“né”—¿x?"), (Strings{"“", "né", "”", "—", "¿", "x", "?"}));
  EXPECT_EQ(Words("5€ 👍"), (Strings{"5€", "👍"}));  // symbols beyond ASCII are no punctuation
}

TEST(BertPreTokenizerTest, HandlesTextsWithoutWords) {
  EXPECT_EQ(Words(""), Strings());
  EXPECT_EQ(Words(" \t "), Strings());
}

TEST(BertPreTokenizerTest, CutsEachWordItIsGiven) {
  EXPECT_EQ(Words("ab cd,ef", {{0, 4}, {4, 8}}), (Strings{"ab", "c", "d", ",", "ef"}));
}

}  // namespace
}  // namespace attentiond
