#include "core/text/vocabulary.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace attentiond {
namespace {

using nlohmann::json;

TEST(VocabularyTest, MapsBothWays) {
  auto vocabulary = Vocabulary::FromJson(json::parse(R"({"b": 0, "": 1, "é": 4})"));
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  const Vocabulary moved = *std::move(vocabulary);  // a move keeps every view valid
  EXPECT_EQ(moved.size(), 5);
  EXPECT_EQ(moved.Token(0), "b");
  EXPECT_EQ(moved.Token(1), "");
  EXPECT_EQ(moved.Token(2), "");  // a hole
  EXPECT_EQ(moved.Token(4), "é");
  EXPECT_EQ(moved.Token(5), "");
  EXPECT_EQ(moved.Token(-1), "");
  EXPECT_EQ(moved.Find("é"), 4);
  EXPECT_EQ(moved.Find(""), 1);
  EXPECT_EQ(moved.Find("x"), std::nullopt);
  const auto entries = moved.Entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[2], (std::pair<absl::string_view, int32_t>("é", 4)));
}

TEST(VocabularyTest, RefusesWhatIsBroken) {
  struct Case {
    const char* vocab;
    const char* message;
  };
  const char* const not_an_object = "\"vocab\" is not an object that names a token";
  for (const auto& [vocab, message] : {
           Case{"[]", not_an_object},
           Case{"{}", not_an_object},
           Case{R"({"a": -1})", "the id of token \"a\" is not an integer from 0 to 4194303"},
           Case{R"({"a": 4194304})", "the id of token \"a\" is not an integer from 0 to 4194303"},
           Case{R"({"a": 1.5})", "the id of token \"a\" is not an integer from 0 to 4194303"},
           Case{R"({"a": "1"})", "the id of token \"a\" is not an integer from 0 to 4194303"},
           Case{R"({"a": 1, "b": 2, "c": 1})", "tokens \"a\" and \"c\" have the same id 1"},
       }) {
    EXPECT_EQ(Vocabulary::FromJson(json::parse(vocab)).status(),
              absl::InvalidArgumentError(message))
        << vocab;
  }
}

}  // namespace
}  // namespace attentiond
