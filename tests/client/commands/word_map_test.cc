#include "client/commands/word_map.h"

#include <gtest/gtest.h>

namespace attentiond::client {
namespace {

v1::Token* AddToken(const char* text, int sequence, int word, int64_t begin, int64_t end,
                    v1::Explanation* explanation) {
  v1::Token* const token = explanation->add_tokens();
  token->set_text(text);
  token->set_sequence(sequence);
  token->set_word_index(word);
  token->set_byte_begin(begin);
  token->set_byte_end(end);
  return token;
}

void AddMap(const std::vector<float>& weights, int64_t tokens, v1::Explanation* explanation) {
  v1::Tensor* const tensor = explanation->add_maps()->mutable_weights();
  tensor->set_dtype(v1::DATA_TYPE_FP32);
  tensor->add_shape(tokens);
  tensor->add_shape(tokens);
  tensor->set_data(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
}

// "Unlike cats": "un" and "##like" are one word.
v1::Explanation Explained() {
  v1::Explanation explanation;
  AddToken("un", 0, 0, 0, 2, &explanation);
  AddToken("##like", 0, 0, 2, 6, &explanation);
  AddToken("cats", 0, 1, 7, 11, &explanation);
  AddMap({0.1f, 0.2f, 0.7f, 0.3f, 0.4f, 0.3f, 0.5f, 0.25f, 0.25f}, 3, &explanation);
  return explanation;
}

TEST(ToHeatMapsTest, TokensAsTheyAre) {
  const auto maps = ToHeatMaps(Explained(), {"Unlike cats", {}}, {});
  ASSERT_TRUE(maps.ok()) << maps.status();
  ASSERT_EQ(maps->size(), 1u);
  EXPECT_EQ((*maps)[0].row_labels, (std::vector<std::string>{"un", "##like", "cats"}));
  EXPECT_EQ((*maps)[0].at(0, 2), 0.7f);
}

TEST(ToHeatMapsTest, MergedWordsSumColumnsAndAverageRows) {
  const auto maps = ToHeatMaps(Explained(), {"Unlike cats", {}}, {.merge_words = true});
  ASSERT_TRUE(maps.ok()) << maps.status();
  const HeatMap& map = (*maps)[0];
  EXPECT_EQ(map.row_labels, (std::vector<std::string>{"Unlike", "cats"})) << "the text's spelling";
  EXPECT_FLOAT_EQ(map.at(0, 0), (0.1f + 0.2f + 0.3f + 0.4f) / 2);
  EXPECT_FLOAT_EQ(map.at(0, 1), (0.7f + 0.3f) / 2);
  EXPECT_FLOAT_EQ(map.at(1, 0), 0.75f);
  for (size_t row = 0; row < 2; ++row) EXPECT_FLOAT_EQ(map.at(row, 0) + map.at(row, 1), 1);
}

TEST(ToHeatMapsTest, RolloutsSayWhichLayersTheyGoThrough) {
  v1::Explanation explanation = Explained();
  explanation.mutable_maps(0)->set_layer(0);
  const auto title = [&] {
    return (*ToHeatMaps(explanation, {"Unlike cats", {}}, {.rollout = true}))[0].title;
  };
  EXPECT_EQ(title(), "Rollout of layer 0");
  explanation.mutable_maps(0)->set_layer(5);
  EXPECT_EQ(title(), "Rollout of layers 0 to 5");
}

TEST(ToHeatMapsTest, WordsOfAPairAreApart) {
  v1::Explanation explanation;
  AddToken("a", 0, 0, 0, 1, &explanation);
  AddToken("b", 1, 0, 0, 1, &explanation);
  AddMap({0.5f, 0.5f, 0.5f, 0.5f}, 2, &explanation);
  const auto maps = ToHeatMaps(explanation, {"A", "B"}, {.merge_words = true});
  ASSERT_TRUE(maps.ok()) << maps.status();
  EXPECT_EQ((*maps)[0].row_labels, (std::vector<std::string>{"A", "B"}));
}

TEST(ToHeatMapsTest, PlacesOutsideTheTextAreNotFollowed) {
  for (const auto& [begin, end] : std::vector<std::pair<int64_t, int64_t>>{
           {-1, 2}, {0, 100}, {5, 2}, {INT64_MAX, INT64_MAX}, {INT64_MIN, 1}}) {
    v1::Explanation explanation;
    AddToken("token", 0, 0, begin, end, &explanation);
    AddMap({1}, 1, &explanation);
    const auto maps = ToHeatMaps(explanation, {"text", {}}, {.merge_words = true});
    ASSERT_TRUE(maps.ok()) << maps.status();
    EXPECT_EQ((*maps)[0].row_labels[0], "token");
  }
}

TEST(ToHeatMapsTest, MapsThatDoNotFitAreRefused) {
  v1::Explanation explanation = Explained();
  explanation.mutable_maps(0)->mutable_weights()->set_shape(0, 2);
  EXPECT_FALSE(ToHeatMaps(explanation, {"Unlike cats", {}}, {}).ok()) << "bytes do not fit";
  v1::Explanation small = Explained();
  small.clear_maps();
  AddMap({1, 0, 0, 1}, 2, &small);
  EXPECT_TRUE(absl::IsInternal(ToHeatMaps(small, {"Unlike cats", {}}, {}).status()));
}

}  // namespace
}  // namespace attentiond::client
