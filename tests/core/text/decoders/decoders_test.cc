// The decoders but WordPiece's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/text_components.h"

namespace attentiond {
namespace {

using testing::Decoded;
using ::testing::ElementsAre;

TEST(ByteLevelDecoderTest, ReadsBytes) {
  EXPECT_THAT(Decoded(R"({"type": "ByteLevel"})", {"Hello", "ĠÃ", "©!"}), ElementsAre("Hello é!"));
  EXPECT_THAT(Decoded(R"({"type": "ByteLevel"})", {"Ã", "日本"}), ElementsAre("\uFFFD日本"));
}

TEST(ByteFallbackDecoderTest, ReadsRunsOfBytes) {
  EXPECT_THAT(Decoded(R"({"type": "ByteFallback"})", {"a", "<0xC3>", "<0xa9>", "b", "<0xG0>"}),
              ElementsAre("a", "é", "b", "<0xG0>"));
  EXPECT_THAT(Decoded(R"({"type": "ByteFallback"})", {"<0xC3>", "<0x41>"}),
              ElementsAre("\uFFFD", "\uFFFD"));
}

TEST(TextDecodersTest, EditTokens) {
  EXPECT_THAT(Decoded(R"({"type": "Metaspace"})", {"▁a", "▁b", "c▁"}),
              ElementsAre("a", " b", "c "));
  EXPECT_THAT(Decoded(R"({"type": "Metaspace", "prepend_scheme": "never"})", {"▁a"}),
              ElementsAre(" a"));
  EXPECT_THAT(Decoded(R"({"type": "BPEDecoder"})", {"a", "b</w>", "c</w>"}),
              ElementsAre("a", "b ", "c"));
  EXPECT_THAT(Decoded(R"({"type": "Fuse"})", {"a", "b"}), ElementsAre("ab"));
  EXPECT_THAT(Decoded(R"({"type": "Strip", "content": "é", "start": 1, "stop": 2})",
                      {"ééaééé", "é", "", "a"}),
              ElementsAre("éaé", "", "", "a"));
  EXPECT_THAT(Decoded(R"({"type": "Replace", "pattern": {"Regex": "a+"}, "content": "x"})",
                      {"aab", "b", ""}),
              ElementsAre("xb", "b", ""));
  EXPECT_THAT(Decoded(R"({"type": "CTC"})", {"<pad>", "h", "h", "<pad>", "h", "|", "|", "i"}),
              ElementsAre("h", "h", " ", "i"));
}

TEST(DecoderSequenceTest, RunsAllInOrder) {
  EXPECT_THAT(Decoded(R"({"type": "Sequence", "decoders": [
                  {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                  {"type": "ByteFallback"}, {"type": "Fuse"},
                  {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
                      {"▁a", "▁", "<0xC3>", "<0xA9>"}),
              ElementsAre("a é"));
}

TEST(DecoderTest, SaysWhatIsWrong) {
  EXPECT_EQ(BuildDecoder({{"type", "BPEDecoder"}, {"suffix", ""}}).status(),
            absl::InvalidArgumentError("\"suffix\" is empty"));
  EXPECT_EQ(BuildDecoder({{"type", "Strip"}, {"content", "ab"}}).status(),
            absl::InvalidArgumentError("\"content\" \"ab\", \"start\" 0, \"stop\" 0: one character "
                                       "and non-negative integers are required"));
}

}  // namespace
}  // namespace attentiond
