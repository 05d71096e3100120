#include "core/text/token_trie.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_map>

namespace attentiond {
namespace {

TEST(TokenTrieTest, FindsTheLongestPrefix) {
  const TokenTrie trie({{"a", 1}, {"abc", 3}, {"b", 4}, {"\xc3\xa9", 5}});
  const auto expect = [&trie](absl::string_view text, size_t length, int32_t value) {
    const TokenTrie::Match match = trie.LongestPrefix(text);
    EXPECT_EQ(match.length, length) << text;
    EXPECT_EQ(match.value, value) << text;
  };
  expect("abcd", 3, 3);
  expect("abd", 1, 1);  // falls back from "ab", which is no key
  expect("b", 1, 4);
  expect("\xc3\xa9x", 2, 5);
  expect("\xc3", 0, TokenTrie::kNoValue);
  expect("xyz", 0, TokenTrie::kNoValue);
  expect("", 0, TokenTrie::kNoValue);
}

TEST(TokenTrieTest, ContinuesFromANode) {
  const TokenTrie trie({{"##a", 1}, {"##ab", 2}, {"##", 3}});
  const TokenTrie::Node node = trie.Walk("##");
  ASSERT_NE(node, TokenTrie::kNoNode);
  EXPECT_EQ(trie.LongestPrefix("abc", node).value, 2);
  EXPECT_EQ(trie.LongestPrefix("x", node).length, 0u);  // "##" itself has no length from here
  EXPECT_EQ(trie.Walk(""), TokenTrie::kRoot);
  EXPECT_EQ(trie.Walk("#x"), TokenTrie::kNoNode);
}

TEST(TokenTrieTest, HandlesEmptyAndRepeatedKeys) {
  EXPECT_EQ(TokenTrie().LongestPrefix("a").length, 0u);
  EXPECT_EQ(TokenTrie({{"", 7}}).LongestPrefix("a").length, 0u);
  EXPECT_EQ(TokenTrie({{"a", 2}, {"a", 1}}).LongestPrefix("a").value, 2);
}

TEST(TokenTrieTest, AgreesWithAHashMap) {
  std::mt19937 random(1);
  // Every byte value, so that signed characters would be found out.
  const auto random_string = [&random](size_t max_length) {
    std::string text(random() % (max_length + 1), '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 * 100);
    return text;
  };
  std::unordered_map<std::string, int32_t> map;
  for (int32_t i = 0; i < 200; ++i) map.emplace(random_string(6), i);
  const TokenTrie trie({map.begin(), map.end()});
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_string(10);
    TokenTrie::Match expected;
    for (size_t length = 1; length <= text.size(); ++length) {
      const auto found = map.find(text.substr(0, length));
      if (found != map.end()) expected = {length, found->second};
    }
    const TokenTrie::Match match = trie.LongestPrefix(text);
    ASSERT_EQ(match.length, expected.length);
    ASSERT_EQ(match.value, expected.value);
  }
}

}  // namespace
}  // namespace attentiond
