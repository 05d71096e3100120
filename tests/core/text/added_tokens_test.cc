#include "core/text/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/text/normalizers/bert_normalizer.h"

namespace attentiond {
namespace {

using nlohmann::json;
using Pieces = std::vector<std::pair<std::string, int32_t>>;

Vocabulary SmallVocabulary() {
  return Vocabulary::FromJson(json::parse(R"({"a": 0, "[SEP]": 1})")).value();
}

json Token(int32_t id, const std::string& content, const json& flags = json::object()) {
  json token = {{"id", id}, {"content", content}, {"normalized", false}};
  token.update(flags);
  return token;
}

AddedTokens Build(const std::vector<json>& list, const Normalizer* normalizer = nullptr) {
  auto tokens = AddedTokens::FromJson(list, SmallVocabulary(), normalizer);
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  return *std::move(tokens);
}

Pieces Cut(absl::string_view text, const std::vector<AddedTokens::Segment>& segments) {
  Pieces pieces;
  for (const auto& segment : segments) {
    pieces.emplace_back(text.substr(segment.begin, segment.end - segment.begin), segment.id);
  }
  return pieces;
}

Pieces Split(const AddedTokens& tokens, absl::string_view text) {
  return Cut(text, tokens.SplitSource(text));
}

constexpr int32_t kBetween = AddedTokens::kBetween;

TEST(AddedTokensTest, CutsAtTheLongestToken) {
  const AddedTokens tokens = Build({Token(1, "[SEP]"), Token(2, "<a>"), Token(3, "<a><b>")});
  EXPECT_EQ(Split(tokens, "x [SEP]y<a>"),
            (Pieces{{"x ", kBetween}, {"[SEP]", 1}, {"y", kBetween}, {"<a>", 2}}));
  EXPECT_EQ(Split(tokens, "<a><b><a>"), (Pieces{{"<a><b>", 3}, {"<a>", 2}}));
  EXPECT_EQ(Split(tokens, "[SEP"), (Pieces{{"[SEP", kBetween}}));
  EXPECT_EQ(Split(tokens, ""), Pieces());
  EXPECT_EQ(tokens.size(), 4);
  EXPECT_EQ(tokens.Find(2)->content, "<a>");
  EXPECT_EQ(tokens.Find(0), nullptr);
}

TEST(AddedTokensTest, WithoutTokensAllIsBetween) {
  for (const json& none : {json(), json::array()}) {
    const auto found = AddedTokens::FromJson(none, SmallVocabulary(), nullptr);
    ASSERT_TRUE(found.ok()) << found.status();
    const AddedTokens& tokens = *found;
    EXPECT_EQ(tokens.size(), 0);
    EXPECT_FALSE(tokens.has_normalized());
    EXPECT_EQ(Split(tokens, "text"), (Pieces{{"text", kBetween}}));
  }
}

TEST(AddedTokensTest, SingleWordTouchesNoWord) {
  const AddedTokens tokens = Build({Token(2, "go", {{"single_word", true}})});
  EXPECT_EQ(Split(tokens, "go"), (Pieces{{"go", 2}}));
  EXPECT_EQ(Split(tokens, "-go."), (Pieces{{"-", kBetween}, {"go", 2}, {".", kBetween}}));
  EXPECT_EQ(Split(tokens, "ago"), (Pieces{{"ago", kBetween}}));
  EXPECT_EQ(Split(tokens, "gone"), (Pieces{{"gone", kBetween}}));
  EXPECT_EQ(Split(tokens, "égo"), (Pieces{{"égo", kBetween}}));
  EXPECT_EQ(Split(tokens, "goé go"), (Pieces{{"goé ", kBetween}, {"go", 2}}));
}

TEST(AddedTokensTest, StripsWhiteSpaceBesideIt) {
  const AddedTokens tokens =
      Build({Token(2, "<l>", {{"lstrip", true}}), Token(3, "<r>", {{"rstrip", true}})});
  EXPECT_EQ(Split(tokens, "a \u3000<l> b"),
            (Pieces{{"a", kBetween}, {" \u3000<l>", 2}, {" b", kBetween}}));
  EXPECT_EQ(Split(tokens, "a <r>\t\n b"),
            (Pieces{{"a ", kBetween}, {"<r>\t\n ", 3}, {"b", kBetween}}));
  // What <r> took is not there for <l> any more.
  EXPECT_EQ(Split(tokens, "<r>  <l>"), (Pieces{{"<r>  ", 3}, {"<l>", 2}}));
  EXPECT_EQ(Split(tokens, "  <l>"), (Pieces{{"  <l>", 2}}));
}

TEST(AddedTokensTest, ATokenThatAnotherTookAlongIsNone) {
  const AddedTokens tokens =
      Build({Token(2, "<r>", {{"rstrip", true}}), Token(3, " ", {{"lstrip", true}})});
  EXPECT_EQ(Split(tokens, "<r>   x "), (Pieces{{"<r>   ", 2}, {"x", kBetween}, {" ", 3}}));
}

// Quadratic in the run of spaces, this would take hours.
TEST(AddedTokensTest, TakesLongRunsOfStrippedTokens) {
  const std::string spaces(size_t{1} << 20, ' ');
  for (const char* const flag : {"lstrip", "rstrip"}) {
    const AddedTokens tokens = Build({Token(2, " ", {{flag, true}})});
    EXPECT_EQ(tokens.SplitSource(spaces).size(), spaces.size()) << flag;
  }
}

TEST(AddedTokensTest, NormalizedTokensAreFoundInNormalizedText) {
  const BertNormalizer normalizer({});
  const AddedTokens tokens =
      Build({Token(2, "École", {{"normalized", true}}), Token(3, "CAT")}, &normalizer);
  ASSERT_TRUE(tokens.has_normalized());
  EXPECT_EQ(Cut("an ecole", tokens.SplitNormalized("an ecole")),
            (Pieces{{"an ", kBetween}, {"ecole", 2}}));
  EXPECT_EQ(Split(tokens, "École CAT"), (Pieces{{"École ", kBetween}, {"CAT", 3}}));
}

TEST(AddedTokensTest, ATokenThatNormalizesToNothingIsNeverFound) {
  const BertNormalizer normalizer({});
  const AddedTokens tokens = Build({Token(2, "\u200b", {{"normalized", true}})}, &normalizer);
  EXPECT_FALSE(tokens.has_normalized());
}

// As in the library: decoding gives what the normalizer makes of a token.
TEST(AddedTokensTest, ANormalizedTokenIsCalledWhatItBecomes) {
  const BertNormalizer normalizer(BertNormalizer::Options{});
  const AddedTokens tokens =
      Build({Token(2, "École", {{"normalized", true}}), Token(3, "École!")}, &normalizer);
  EXPECT_EQ(tokens.Find(2)->text, "ecole");
  EXPECT_EQ(tokens.Find(3)->text, "École!");
}

TEST(AddedTokensTest, FlagsHaveDefaults) {
  const AddedTokens tokens =
      Build({{{"id", 2}, {"content", "x"}}, {{"id", 3}, {"content", "y"}, {"special", true}}});
  EXPECT_TRUE(tokens.Find(2)->normalized);
  EXPECT_FALSE(tokens.Find(2)->special);
  EXPECT_FALSE(tokens.Find(3)->normalized);
  EXPECT_TRUE(tokens.Find(3)->special);
}

TEST(AddedTokensTest, RefusesWhatIsBroken) {
  const auto message = [](const std::vector<json>& list) {
    const auto tokens = AddedTokens::FromJson(list, SmallVocabulary(), nullptr);
    EXPECT_EQ(tokens.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(tokens.status().message());
  };
  EXPECT_EQ(AddedTokens::FromJson(json::object(), SmallVocabulary(), nullptr).status(),
            absl::InvalidArgumentError("is not a list"));
  EXPECT_EQ(message({json(1)}), "1 was found where an object with \"id\" is required");
  EXPECT_EQ(message({json{{"id", 2}}}), "a token has no \"content\"");
  EXPECT_EQ(message({json{{"content", "x"}}}),
            "the id of token \"x\" is -1, 0 to 4194303 is required");
  EXPECT_EQ(message({Token(4194304, "x")}),
            "the id of token \"x\" is 4194304, 0 to 4194303 is required");
  EXPECT_EQ(message({Token(2, "x", {{"special", "yes"}})}),
            "\"special\" is \"yes\", true or false is required");
  EXPECT_EQ(message({Token(2, "[SEP]")}), "token \"[SEP]\" has id 2, but \"[SEP]\" has id 1");
  EXPECT_EQ(message({Token(1, "x")}), "token \"x\" has id 1, but \"[SEP]\" has id 1");
  EXPECT_EQ(message({Token(2, "x"), Token(3, "x")}), "token \"x\" has id 3, but \"x\" has id 2");
  EXPECT_EQ(message({Token(2, "x"), Token(2, "y")}), "token \"y\" has id 2, but \"x\" has id 2");
}

}  // namespace
}  // namespace attentiond
