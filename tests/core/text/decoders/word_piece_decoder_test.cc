#include "core/text/decoders/word_piece_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attentiond {
namespace {

std::string Joined(const WordPieceDecoder& decoder, std::vector<std::string> pieces) {
  EXPECT_TRUE(decoder.Decode(&pieces).ok());
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

TEST(WordPieceDecoderTest, JoinsContinuations) {
  const WordPieceDecoder decoder("##", /*cleanup=*/false);
  EXPECT_EQ(Joined(decoder, {"un", "##able", "to", "."}), "unable to .");
  EXPECT_EQ(Joined(decoder, {"##able", "####x"}), "##able##x");  // the first token stays as it is
  EXPECT_EQ(Joined(decoder, {}), "");
}

TEST(WordPieceDecoderTest, CleansUp) {
  const WordPieceDecoder decoder("##", /*cleanup=*/true);
  EXPECT_EQ(Joined(decoder, {"a", ".", "b", ",", "c", "!", "d", "?"}), "a. b, c! d?");
  EXPECT_EQ(Joined(decoder, {"i", "'m", "he", "'s", "we", "'ve", "you", "'re", "is", "n't"}),
            "i'm he's we've you're isn't");
  EXPECT_EQ(Joined(decoder, {"a", ":", "b"}), "a : b");
}

TEST(WordPieceDecoderTest, ReadsItsOptions) {
  auto decoder = WordPieceDecoder::FromJson({{"prefix", "@"}, {"cleanup", false}});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  std::vector<std::string> pieces = {"a", "@b", "."};
  EXPECT_TRUE((*decoder)->Decode(&pieces).ok());
  EXPECT_EQ(pieces, (std::vector<std::string>{"a", "b", " ."}));
  EXPECT_EQ(WordPieceDecoder::FromJson({{"prefix", 1}}).status(),
            absl::InvalidArgumentError("\"prefix\" is 1, a string is required"));
}

}  // namespace
}  // namespace attentiond
