#include "server/inference/entities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/engine/model.h"
#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using ::attentiond::testing::GoldenModel;
using nlohmann::json;
using ::testing::IsEmpty;

const std::vector<std::string> kLabels = {"O", "B-PER", "I-PER", "MISC", "E-LOC"};

// One word a token, each of its best label with a probability of a half.
struct Words {
  explicit Words(const std::vector<std::pair<std::string, size_t>>& words) {
    for (const auto& [word, label] : words) {
      const auto begin = static_cast<int64_t>(text.size());
      text += word + " ";
      Append({begin, begin + static_cast<int64_t>(word.size())}, 0, label);
    }
  }
  void Append(Encoding::Offset offset, int8_t sequence, size_t label) {
    encoding.ids.push_back(7);
    encoding.offsets.push_back(offset);
    encoding.sequence.push_back(sequence);
    for (size_t i = 0; i < kLabels.size(); ++i) {
      logits.push_back(i == label ? std::log(static_cast<float>(kLabels.size() - 1)) : 0);
    }
  }
  std::string Json() const {
    return EntitiesJson(GroupEntities(kLabels, encoding, text, logits), text);
  }

  std::string text;
  Encoding encoding;
  std::vector<float> logits;
};

TEST(EntitiesTest, NeighboursOfOneLabelAreOneEntity) {
  EXPECT_EQ(Words({{"Marie", 1}, {"Curie", 2}, {"met", 0}, {"X", 3}, {"Y", 3}}).Json(),
            R"([{"start":0,"end":11,"label":"PER","score":0.5,"text":"Marie Curie"},)"
            R"({"start":16,"end":19,"label":"MISC","score":0.5,"text":"X Y"}])");
}

TEST(EntitiesTest, BBeginsAnotherOne) {
  EXPECT_EQ(Words({{"Ann", 1}, {"Bob", 1}, {"Ray", 2}}).Json(),
            R"([{"start":0,"end":3,"label":"PER","score":0.5,"text":"Ann"},)"
            R"({"start":4,"end":11,"label":"PER","score":0.5,"text":"Bob Ray"}])");
}

TEST(EntitiesTest, OtherPrefixesAreLeftOutOfTheNameAlone) {
  EXPECT_EQ(Words({{"Rome", 4}}).Json(),
            R"([{"start":0,"end":4,"label":"LOC","score":0.5,"text":"Rome"}])");
}

TEST(EntitiesTest, PlacesAreInCodePointsAndTextIsEscaped) {
  EXPECT_EQ(Words({{"é", 0}, {"Zoë\"", 1}}).Json(),
            R"([{"start":2,"end":6,"label":"PER","score":0.5,"text":"Zoë\""}])");
}

TEST(EntitiesTest, TokensThatTheTokenizerAddedAreNone) {
  Words words({});
  words.Append({0, 0}, -1, 1);
  EXPECT_EQ(words.Json(), "[]");
}

// With transformers' pipeline, whose scores and places the golden data have.
TEST(EntitiesTest, AreThePipelines) {
  for (const char* name :
       {"bert-tokens", "electra-tokens", "modernbert-tokens", "camembert-tokens"}) {
    const GoldenModel golden(name);
    const auto model = LoadModel(golden.directory(), {});
    ASSERT_TRUE(model.ok()) << model.status();
    for (const json& golden_case : golden.cases()) {
      if (!golden_case.contains("entities")) continue;
      SCOPED_TRACE(std::string(name) + " " + golden_case.at("name").get<std::string>());
      const auto text = golden_case.at("text").get<std::string>();
      const auto encoding = (*model)->AsTextEncoder()->tokenizer()->Encode(
          text, std::nullopt, {.max_length = (*model)->info().max_length, .truncate = true});
      ASSERT_TRUE(encoding.ok()) << encoding.status();
      const std::vector<Entity> entities = GroupEntities((*model)->info().labels, *encoding, text,
                                                         golden.array(golden_case, "logits"));
      const json& expected = golden_case.at("entities");
      ASSERT_EQ(entities.size(), expected.size());
      for (size_t i = 0; i < entities.size(); ++i) {
        EXPECT_EQ(entities[i].label, expected[i].at("label").get<std::string>()) << i;
        EXPECT_EQ(entities[i].char_begin, expected[i].at("start").get<int64_t>()) << i;
        EXPECT_EQ(entities[i].char_end, expected[i].at("end").get<int64_t>()) << i;
        EXPECT_NEAR(entities[i].score, expected[i].at("score").get<float>(), 1e-6) << i;
      }
    }
  }
}

}  // namespace
}  // namespace attentiond
