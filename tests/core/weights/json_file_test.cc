#include "core/weights/json_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::TemporaryDirectory;
using nlohmann::json;

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJsonTest, BuildsTheDocument) {
  const auto value = ParseJson(R"({"a": [1, -2, 2.5, true, null, "é"], "b": {"c": {}, "d": []}})");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, json({{"a", {1, -2, 2.5, true, nullptr, "é"}},
                          {"b", {{"c", json::object()}, {"d", json::array()}}}}));
}

TEST(ParseJsonTest, AcceptsTheDeepestNestingAndNoMore) {
  EXPECT_TRUE(ParseJson(Nested(64)).ok());
  const auto too_deep = ParseJson(Nested(65));
  EXPECT_EQ(too_deep.status().message(), "JSON is nested deeper than 64 levels");
  // Far beyond any stack: the parser must not recurse.
  EXPECT_FALSE(ParseJson(std::string(10'000'000, '[')).ok());
}

struct BrokenJson {
  const char* name;
  std::string text;
  const char* message;
};

class ParseJsonErrorTest : public ::testing::TestWithParam<BrokenJson> {};

TEST_P(ParseJsonErrorTest, SaysWhatIsWrong) {
  const auto value = ParseJson(GetParam().text);
  EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(value.status().message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, ParseJsonErrorTest,
    ::testing::Values(BrokenJson{"Empty", "", "not valid JSON at byte 1"},
                      BrokenJson{"Truncated", R"({"a": 1)", "not valid JSON at byte 8"},
                      BrokenJson{"Trailing", "{} {}", "not valid JSON at byte 4"},
                      BrokenJson{"Comma", "[1,]", "not valid JSON at byte 4"},
                      BrokenJson{"BadUtf8", "[\"\xff\"]", "not valid JSON at byte 3"},
                      BrokenJson{"NumberOverflow", "[1e999]", "not valid JSON at byte 6"},
                      BrokenJson{"DuplicateKey", R"({"a": {"b": 1, "b": 2}})",
                                 "key \"b\" appears twice in one object"}),
    [](const auto& test) { return test.param.name; });

TEST(ReadJsonFileTest, ReadsAnObject) {
  const TemporaryDirectory directory;
  const auto value = ReadJsonFile(directory.Write("a.json", R"({"x": 1})"));
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, json({{"x", 1}}));
}

TEST(ReadJsonFileTest, NamesThePathInEveryError) {
  const TemporaryDirectory directory;
  const std::string missing = directory.PathOf("missing.json");
  EXPECT_EQ(ReadJsonFile(missing).status(), absl::NotFoundError(missing + ": no such file"));

  EXPECT_EQ(ReadJsonFile(directory.path()).status(),
            absl::InvalidArgumentError(directory.path() + ": is a directory, a file is required"));

  const std::string broken = directory.Write("broken.json", "{");
  EXPECT_EQ(ReadJsonFile(broken).status(),
            absl::InvalidArgumentError(broken + ": not valid JSON at byte 2"));

  const std::string array = directory.Write("array.json", "[1]");
  EXPECT_EQ(ReadJsonFile(array).status(),
            absl::InvalidArgumentError(array + ": the root is an array, an object is required"));

  const std::string large = directory.Write("large.json", R"({"x":1})");
  EXPECT_TRUE(ReadJsonFile(large, /*max_bytes=*/7).ok());
  EXPECT_EQ(ReadJsonFile(large, /*max_bytes=*/6).status(),
            absl::InvalidArgumentError(large + ": has 7 bytes, at most 6 are allowed"));
}

TEST(ReadJsonFileTest, RefusesWhatIsNoRegularFile) {
  const TemporaryDirectory directory;
  const std::string pipe = directory.PathOf("pipe.json");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);  // opening it plainly would wait for a writer
  EXPECT_EQ(ReadJsonFile(pipe).status(),
            absl::InvalidArgumentError(pipe + ": is not a regular file, a file is required"));

  // Unreadable for every user, root included.
  const std::string loop = directory.PathOf("loop.json");
  std::filesystem::create_symlink("loop.json", loop);
  EXPECT_EQ(
      ReadJsonFile(loop).status(),
      absl::InvalidArgumentError(loop + ": cannot be read: Too many levels of symbolic links"));
}

TEST(GetTest, ReturnsTheFieldOrTheFallback) {
  const json object = {{"i", -7}, {"d", 2.5}, {"b", true}, {"s", "text"}, {"null", nullptr}};
  EXPECT_EQ(GetInt(object, "i", 1).value(), -7);
  EXPECT_EQ(GetDouble(object, "d", 1).value(), 2.5);
  EXPECT_EQ(GetDouble(object, "i", 1).value(), -7.0);
  EXPECT_EQ(GetBool(object, "b", false).value(), true);
  EXPECT_EQ(GetString(object, "s", "").value(), "text");
  for (const char* absent : {"null", "absent"}) {
    EXPECT_EQ(GetInt(object, absent, 1).value(), 1);
    EXPECT_EQ(GetDouble(object, absent, 1.5).value(), 1.5);
    EXPECT_EQ(GetBool(object, absent, true).value(), true);
    EXPECT_EQ(GetString(object, absent, "x").value(), "x");
  }
}

TEST(GetTest, NamesKeyFoundAndRequired) {
  const json object = {{"s", "a\nb"}, {"d", 2.5}, {"big", UINT64_MAX}, {"list", {1}}};
  EXPECT_EQ(GetInt(object, "s", 0).status(),
            absl::InvalidArgumentError(R"("s" is "a\nb", an integer is required)"));
  EXPECT_EQ(GetInt(object, "d", 0).status(),
            absl::InvalidArgumentError(R"("d" is 2.5, an integer is required)"));
  EXPECT_EQ(GetInt(object, "big", 0).status(),
            absl::InvalidArgumentError(
                R"("big" is 18446744073709551615, an integer below 2^63 is required)"));
  EXPECT_EQ(GetDouble(object, "list", 0).status(),
            absl::InvalidArgumentError(R"("list" is an array, a number is required)"));
  EXPECT_EQ(GetBool(object, "d", false).status(),
            absl::InvalidArgumentError(R"("d" is 2.5, true or false is required)"));
  EXPECT_EQ(GetString(object, "d", "").status(),
            absl::InvalidArgumentError(R"("d" is 2.5, a string is required)"));
  EXPECT_EQ(
      GetInt(json::array(), "x", 0).status(),
      absl::InvalidArgumentError("an array was found where an object with \"x\" is required"));
}

}  // namespace
}  // namespace attentiond
