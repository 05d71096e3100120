// What transformers generates, token for token: alone and with all others in one running batch.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "core/generate/generation_config.h"
#include "tests/testing/golden_generators.h"
#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using testing::GoldenModel;

struct Wanted {
  GenerationInput input;
  std::vector<int32_t> ids;
  double score = NAN;  // of beam search
  std::string text;    // "": not said
  std::string name;
  struct Other {
    std::vector<int32_t> ids;
    double score = NAN;
  };
  std::vector<Other> others;  // all of them, best first, when more than the best is said
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
    std::map<std::string, std::vector<float>> pictures;  // each is given once
    for (const nlohmann::json& one : golden_.cases()) {
      Wanted wanted;
      if (one.contains("input_ids")) {
        wanted.input.source_ids = one.at("input_ids").get<std::vector<int32_t>>();
      } else {
        std::vector<float>& pixels = pictures[one.at("image").get<std::string>()];
        if (pixels.empty()) {
          const absl::Span<const float> values = golden_.array(one, "pixel_values");
          pixels.assign(values.begin(), values.end());
        }
        wanted.input.pixels = pixels;
      }
      wanted.input.options = PlainOptions(generator);
      if (one.contains("first_target_token")) {
        wanted.input.options.forced_bos_token_id = one.at("first_target_token").get<int32_t>();
      }
      if (one.contains("options")) {
        AddWithOptions(one, wanted, &all);
        continue;
      }
      wanted.input.options.max_new_tokens = one.at("max_new_tokens").get<int64_t>();
      if (one.contains("greedy_ids")) {
        wanted.name = one.at("name").get<std::string>() + " greedy";
        wanted.ids = NewTokens(one.at("greedy_ids"));
        wanted.text = one.value("greedy_text", "");
        all.push_back(wanted);
      }
      if (!one.contains("beam4")) continue;
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

  void CheckSequence(const Wanted& wanted, const Wanted::Other& expected,
                     const GeneratedSequence& sequence) {
    // Padding after the end is the reference's.
    std::vector<int32_t> ids = expected.ids;
    ids.resize(std::min(ids.size(), sequence.ids.size()));
    EXPECT_EQ(sequence.ids, ids);
    for (size_t i = ids.size(); i < expected.ids.size(); ++i) {
      EXPECT_EQ(expected.ids[i], wanted.input.options.pad_token_id) << i;
    }
    if (!std::isnan(expected.score)) {
      // A sum of log-probabilities, each rounded in f32.
      const double magnitude = std::max(1.0, std::abs(expected.score));
      EXPECT_NEAR(sequence.score, expected.score, golden_.tolerance() * magnitude);
    }
  }

  void Check(const Wanted& wanted, const GenerationResult& result, const TextGenerator& generator) {
    SCOPED_TRACE(wanted.name);
    ASSERT_FALSE(result.sequences.empty());
    CheckSequence(wanted, {wanted.ids, wanted.score}, result.sequences[0]);
    if (!wanted.others.empty()) {
      ASSERT_EQ(result.sequences.size(), wanted.others.size());
      for (size_t i = 0; i < wanted.others.size(); ++i) {
        CheckSequence(wanted, wanted.others[i], result.sequences[i]);
      }
    }
    if (wanted.text.empty()) return;
    const auto text = generator.Decode(result.sequences[0].ids);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(*text, wanted.text);
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  const GoldenModel golden_;

 private:
  // What the cases were made with, whatever the checkpoint's files say.
  static GenerationOptions PlainOptions(const TextGenerator& generator) {
    GenerationOptions options = generator.default_options();
    options.num_beams = options.num_return_sequences = 1;
    options.length_penalty = options.repetition_penalty = 1;
    options.early_stopping = EarlyStopping::kHeuristic;
    options.no_repeat_ngram_size = options.min_new_tokens = 0;
    return options;
  }

  // Several sequences, with their scores when they come from beams.
  static void AddWithOptions(const nlohmann::json& one, Wanted wanted, std::vector<Wanted>* all) {
    wanted.name = one.at("name").get<std::string>() + " " + one.at("options").dump();
    for (const auto& [name, value] : one.at("options").items()) {
      const absl::Status set = SetGenerationOption(name, value, &wanted.input.options);
      EXPECT_TRUE(set.ok()) << set;
    }
    for (const nlohmann::json& sequence : one.at("sequences")) {
      Wanted::Other other;
      other.ids = NewTokens(sequence.at("ids"));
      if (sequence.contains("score")) other.score = sequence.at("score").get<double>();
      wanted.others.push_back(other);
    }
    wanted.ids = wanted.others.front().ids;
    wanted.score = wanted.others.front().score;
    all->push_back(std::move(wanted));
  }

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

INSTANTIATE_TEST_SUITE_P(Translators, GeneratorGoldenTest,
                         ::testing::ValuesIn(testing::GoldenTranslators()), testing::NameOfFolder);
INSTANTIATE_TEST_SUITE_P(Captioners, GeneratorGoldenTest,
                         ::testing::ValuesIn(testing::GoldenCaptioners()), testing::NameOfFolder);

}  // namespace
}  // namespace attentiond
