// What transformers generates, token for token: alone and with all others in one running batch.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using testing::GoldenModel;

struct Wanted {
  GenerationInput input;
  std::vector<int32_t> ids;
  double score = NAN;  // of beam search
  std::string text;
  std::string name;
};

class GeneratorGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  GeneratorGoldenTest() : golden_(GetParam()) {}

  std::shared_ptr<const Model> Load(LoadOptions::Precision precision) {
    LoadOptions options;
    options.precision = precision;
    auto model = LoadModel(golden_.directory(), options);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? *model : nullptr;
  }

  // Those whose best two results are so near that rounding may decide are not asked for.
  std::vector<Wanted> WantedOf(const TextGenerator& generator) {
    std::vector<Wanted> all;
    for (const nlohmann::json& one : golden_.cases()) {
      Wanted wanted;
      if (one.contains("input_ids")) {
        wanted.input.source_ids = one.at("input_ids").get<std::vector<int32_t>>();
      } else {
        const absl::Span<const float> pixels = golden_.array(one, "pixel_values");
        wanted.input.pixels.assign(pixels.begin(), pixels.end());
      }
      wanted.input.options = generator.default_options();
      wanted.input.options.max_new_tokens = one.at("max_new_tokens").get<int64_t>();
      wanted.input.options.num_beams = 1;
      if (one.contains("greedy_ids")) {
        wanted.name = one.at("name").get<std::string>() + " greedy";
        wanted.ids = NewTokens(one.at("greedy_ids"));
        wanted.text = one.value("greedy_text", "");
        all.push_back(wanted);
      }
      const nlohmann::json& beams = one.at("beam4");
      if (beams.at("gap_to_second").get<double>() < golden_.tolerance()) continue;
      wanted.name = one.at("name").get<std::string>() + " beam 4";
      wanted.input.options.num_beams = 4;
      wanted.input.options.num_return_sequences = 4;
      wanted.ids = NewTokens(beams.at("ids"));
      wanted.text = beams.value("text", "");
      wanted.score = beams.at("score").get<double>();
      all.push_back(wanted);
    }
    return all;
  }

  void Check(const Wanted& wanted, const GenerationResult& result, const TextGenerator& generator) {
    SCOPED_TRACE(wanted.name);
    ASSERT_FALSE(result.sequences.empty());
    // Padding after the end is the reference's.
    std::vector<int32_t> expected = wanted.ids;
    expected.resize(std::min(expected.size(), result.sequences[0].ids.size()));
    EXPECT_EQ(result.sequences[0].ids, expected);
    for (size_t i = expected.size(); i < wanted.ids.size(); ++i) {
      EXPECT_EQ(wanted.ids[i], wanted.input.options.pad_token_id) << i;
    }
    if (!std::isnan(wanted.score)) {
      EXPECT_NEAR(result.sequences[0].score, wanted.score, golden_.tolerance());
    }
    const auto text = generator.Decode(result.sequences[0].ids);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(*text, wanted.text);
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  const GoldenModel golden_;

 private:
  // Without the token that the decoder starts with.
  static std::vector<int32_t> NewTokens(const nlohmann::json& ids) {
    auto all = ids.get<std::vector<int32_t>>();
    all.erase(all.begin());
    return all;
  }
};

TEST_P(GeneratorGoldenTest, AloneAndInARunningBatchAreTheReferences) {
  const std::shared_ptr<const Model> model = Load(LoadOptions::Precision::kF32);
  ASSERT_NE(model, nullptr);
  const TextGenerator& generator = *model->AsTextGenerator();
  const std::vector<Wanted> all = WantedOf(generator);
  ASSERT_GE(all.size(), 4u);
  const std::unique_ptr<Generation> alone = generator.NewGeneration(0);
  const std::unique_ptr<Generation> together = generator.NewGeneration(int64_t{64} << 20);
  std::map<int64_t, GenerationResult> results_alone, results_together;
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(generator.Validate(all[i].input).ok()) << generator.Validate(all[i].input);
    const auto key = static_cast<int64_t>(i);
    GenerationStep step;
    alone->Add(key, all[i].input);
    while (step.finished.empty()) ASSERT_TRUE(alone->Step(context_, &step).ok());
    results_alone[key] = std::move(step.finished[0].second);
    // One more joins at each step.
    GenerationStep shared;
    together->Add(key, all[i].input);
    ASSERT_TRUE(together->Step(context_, &shared).ok());
    for (auto& [finished, result] : shared.finished) results_together[finished] = std::move(result);
  }
  while (together->num_sequences() > 0) {
    GenerationStep step;
    ASSERT_TRUE(together->Step(context_, &step).ok());
    for (auto& [key, result] : step.finished) results_together[key] = std::move(result);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const auto key = static_cast<int64_t>(i);
    Check(all[i], results_alone[key], generator);
    ASSERT_FALSE(results_together[key].sequences.empty());
    EXPECT_EQ(results_together[key].sequences[0].ids, results_alone[key].sequences[0].ids);
    EXPECT_EQ(results_together[key].sequences[0].score, results_alone[key].sequences[0].score);
  }
  EXPECT_EQ(alone->used_pages(), 0);
  EXPECT_EQ(alone->reserved_pages(), 0);
  EXPECT_EQ(together->used_pages(), 0);
  EXPECT_EQ(together->reserved_pages(), 0);
}

INSTANTIATE_TEST_SUITE_P(Folders, GeneratorGoldenTest,
                         ::testing::Values("marian-translate", "t5-translate", "flan-t5-translate", "vit-gpt2-caption"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace attentiond
