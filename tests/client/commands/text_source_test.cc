#include "client/commands/text_source.h"

#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/match.h"

namespace attentiond::client {
namespace {

// A source over `input` as standard input.
struct Source {
  explicit Source(const std::string& input, TextSource::Options options = {}) : in(input) {
    Console console;
    console.in = &in;
    console.err = &err;
    console.in_is_terminal = options.file == "-";
    source = *TextSource::Open(options, console);
  }
  std::istringstream in;
  std::ostringstream err;
  std::unique_ptr<TextSource> source;
};

TextSource::Options Rows(int rows) {
  TextSource::Options options;
  options.chunk_rows = rows;
  return options;
}

TEST(TextSourceTest, LineEnds) {
  Source source("a\r\n\nb\r\rc\nlast");
  const auto chunk = source.source->Next();
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  ASSERT_EQ(chunk->rows.size(), 4u);
  EXPECT_EQ(chunk->rows[0].text, "a");
  EXPECT_EQ(chunk->rows[1].text, "");
  EXPECT_EQ(chunk->rows[2].text, "b\r\rc");
  EXPECT_EQ(chunk->rows[3].text, "last");
  EXPECT_TRUE(source.source->Next()->rows.empty());
}

TEST(TextSourceTest, ChunksAreBoundedInRowsAndBytes) {
  Source rows("1\n2\n3\n4\n5\n", Rows(2));
  EXPECT_EQ(rows.source->Next()->rows.size(), 2u);
  const auto second = rows.source->Next();
  EXPECT_EQ(second->first, 3);
  EXPECT_EQ(rows.source->Describe(*second), "lines 3 to 4 of standard input");
  EXPECT_EQ(rows.source->Next()->rows.size(), 1u);

  std::string large;
  for (int i = 0; i < 6; ++i) large += std::string(1 << 20, 'x') + "\n";
  Source bytes(large, Rows(100));
  EXPECT_EQ(bytes.source->Next()->rows.size(), 4u) << "four MiB";
  EXPECT_EQ(bytes.source->Next()->rows.size(), 2u);
}

TEST(TextSourceTest, ALineWithoutEndDoesNotFillTheMemory) {
  Source source("ok\n" + std::string(size_t{17} << 20, 'x'));
  const auto chunk = source.source->Next();
  EXPECT_TRUE(absl::IsInvalidArgument(chunk.status()));
  EXPECT_TRUE(absl::StrContains(chunk.status().message(), "line 2 of standard input: longer"))
      << chunk.status();
}

TEST(TextSourceTest, ArgumentsComeFirst) {
  TextSource::Options options;
  options.arguments = {"one", "two\nlines"};
  Source source("not read\n", options);
  const auto chunk = source.source->Next();
  ASSERT_EQ(chunk->rows.size(), 2u);
  EXPECT_EQ(chunk->rows[1].text, "two\nlines") << "an argument may have lines";
  EXPECT_TRUE(source.source->Next()->rows.empty());
}

TEST(TextSourceTest, Pairs) {
  TextSource::Options options;
  options.pairs = true;
  Source source("a\tb\tc\n", options);
  const auto chunk = source.source->Next();
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_EQ(chunk->rows[0].text, "a");
  EXPECT_EQ(chunk->rows[0].pair, "b\tc") << "cut at the first tab";
}

TEST(TextSourceTest, ATerminalIsTold) {
  TextSource::Options options;
  options.file = "-";
  EXPECT_TRUE(absl::StrContains(Source("", options).err.str(), "Ctrl-D"));
  EXPECT_EQ(Source("").err.str(), "");
}

}  // namespace
}  // namespace attentiond::client
