// The running batch: pages come back whatever happens, seeds decide samples, attention is returned.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "core/engine/model.h"
#include "core/engine/text_generator.h"

namespace attentiond {
namespace {

class GenerationTest : public ::testing::Test {
 protected:
  GenerationTest() {
    LoadOptions options;
    options.precision = LoadOptions::Precision::kF32;
    auto model = LoadModel(ATTENTIOND_SOURCE_DIR "/tests/golden/marian-translate", options);
    EXPECT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    generator_ = model_->AsTextGenerator();
  }

  GenerationInput Input(int64_t source_tokens, int64_t new_tokens, unsigned seed) {
    std::mt19937 engine(seed);
    GenerationInput input;
    for (int64_t i = 0; i < source_tokens; ++i) {
      input.source_ids.push_back(static_cast<int32_t>(2 + engine() % 800));
    }
    input.options = generator_->default_options();
    input.options.max_new_tokens = new_tokens;
    return input;
  }

  std::vector<GeneratedSequence> RunAlone(const GenerationInput& input) {
    const auto generation = generator_->NewGeneration(0);
    generation->Add(0, input);
    GenerationStep step;
    while (step.finished.empty()) EXPECT_TRUE(generation->Step(context_, &step).ok());
    return step.finished[0].second.sequences;
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  std::shared_ptr<const Model> model_;
  const TextGenerator* generator_ = nullptr;
};

TEST_F(GenerationTest, NoPageIsLostWhenTenThousandComeAndGo) {
  const auto generation = generator_->NewGeneration(int64_t{1} << 20);
  std::mt19937 engine(3);
  std::set<int64_t> running;
  int64_t next = 0, finished = 0, removed = 0, refused = 0;
  while (next < 10'000) {
    for (auto joins = engine() % 40; joins > 0; --joins) {
      GenerationInput input =
          Input(static_cast<int64_t>(1 + engine() % 40), static_cast<int64_t>(1 + engine() % 6),
                static_cast<unsigned>(engine()));
      input.options.num_beams = static_cast<int64_t>(1 + engine() % 4);
      if (input.options.num_beams == 1) input.options.do_sample = engine() % 2 == 0;
      ++next;
      if (generation->PagesFor(input) > generation->total_pages() - generation->reserved_pages()) {
        ++refused;
        continue;
      }
      generation->Add(next, std::move(input));
      running.insert(next);
    }
    if (!running.empty() && engine() % 3 == 0) {
      const int64_t key =
          *std::next(running.begin(), static_cast<std::ptrdiff_t>(engine() % running.size()));
      generation->Remove(key);
      running.erase(key);
      ++removed;
    }
    GenerationStep step;
    ASSERT_TRUE(generation->Step(context_, &step).ok());
    for (const auto& [key, result] : step.finished) {
      EXPECT_EQ(running.erase(key), 1u);
      ++finished;
    }
    ASSERT_LE(generation->used_pages(), generation->reserved_pages());
    ASSERT_EQ(static_cast<size_t>(generation->num_sequences()), running.size());
  }
  for (const int64_t key : running) generation->Remove(key);
  EXPECT_EQ(generation->used_pages(), 0);
  EXPECT_EQ(generation->reserved_pages(), 0);
  EXPECT_EQ(generation->num_rows(), 0);
  EXPECT_GT(finished, 1000);
  EXPECT_GT(removed, 50);
  EXPECT_GT(refused, 100);
}

TEST_F(GenerationTest, ASeedSamplesTheSameAloneAndInCompany) {
  const auto generation = generator_->NewGeneration(int64_t{8} << 20);
  std::vector<GenerationInput> inputs;
  for (unsigned i = 0; i < 6; ++i) {
    GenerationInput input = Input(5 + 3 * i, 12, i);
    input.options.do_sample = true;
    input.options.num_beams = 1;
    input.options.num_return_sequences = 2;
    input.options.temperature = 1.5;
    input.options.seed = i;
    inputs.push_back(input);
    generation->Add(i, input);
  }
  std::vector<std::vector<GeneratedSequence>> together(inputs.size());
  while (generation->num_sequences() > 0) {
    GenerationStep step;
    ASSERT_TRUE(generation->Step(context_, &step).ok());
    for (const auto& [key, result] : step.finished) {
      together[static_cast<size_t>(key)] = result.sequences;
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<GeneratedSequence> alone = RunAlone(inputs[i]);
    ASSERT_EQ(alone.size(), 2u);
    ASSERT_EQ(together[i].size(), 2u);
    EXPECT_NE(alone[0].ids, alone[1].ids);
    for (size_t s = 0; s < 2; ++s) {
      EXPECT_EQ(together[i][s].ids, alone[s].ids);
      EXPECT_EQ(together[i][s].score, alone[s].score);
    }
    inputs[i].options.seed += 100;
    EXPECT_NE(RunAlone(inputs[i])[0].ids, alone[0].ids);
  }
}

TEST_F(GenerationTest, EachTokenHasItsAttentionToTheSource) {
  for (const int64_t beams : {1, 4}) {
    const auto generation = generator_->NewGeneration(0);
    GenerationInput input = Input(9, 7, 1);
    input.options.num_beams = beams;
    input.want_cross_attentions = true;
    generation->Add(0, input);
    GenerationStep step;
    while (step.finished.empty()) ASSERT_TRUE(generation->Step(context_, &step).ok());
    const GenerationResult& result = step.finished[0].second;
    EXPECT_EQ(result.source_length, 9);
    const auto maps = static_cast<size_t>(result.cross_layers * result.cross_heads);
    ASSERT_EQ(result.cross_attentions.size(), result.sequences[0].ids.size() * maps * 9);
    for (size_t row = 0; row < result.cross_attentions.size(); row += 9) {
      float sum = 0;
      for (size_t i = row; i < row + 9; ++i) sum += result.cross_attentions[i];
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

TEST_F(GenerationTest, TokensAreToldAsTheyAreDecoded) {
  const auto generation = generator_->NewGeneration(0);
  GenerationInput input = Input(9, 7, 1);
  input.options.num_beams = 1;
  generation->Add(0, input);
  std::vector<int32_t> told;
  GenerationStep step;
  while (step.finished.empty()) {
    ASSERT_TRUE(generation->Step(context_, &step).ok());
  }
  for (const auto& [key, token] : step.new_tokens) told.push_back(token);
  EXPECT_EQ(told, step.finished[0].second.sequences[0].ids);
}

TEST_F(GenerationTest, WhatJoinsWaitsForOthersButNotForLong) {
  constexpr int64_t kRunning = 24, kMostSteps = 5;
  const auto generation = generator_->NewGeneration(int64_t{1} << 24);
  for (int64_t key = 0; key < kRunning; ++key) {
    GenerationInput input = Input(6, 40, static_cast<unsigned>(key));
    input.options.num_beams = 1;
    input.options.min_new_tokens = 40;
    generation->Add(key, input);
  }
  const auto step = [&] {
    GenerationStep done;
    EXPECT_TRUE(generation->Step(context_, &done).ok());
    return done.source_tokens;
  };
  EXPECT_EQ(step(), 6 * kRunning);  // nothing runs that would have to wait for them
  generation->Add(kRunning, Input(5, 4, 99));
  int64_t steps = 1;
  while (step() == 0) ++steps;
  EXPECT_GT(steps, 1);
  EXPECT_LE(steps, kMostSteps);
  // Enough of them need not wait.
  for (int64_t key = kRunning + 1; key < kRunning + 5; ++key) {
    generation->Add(key, Input(5, 4, static_cast<unsigned>(key)));
  }
  EXPECT_EQ(step(), 4 * 5);
}

TEST_F(GenerationTest, WhatCannotRunIsRefusedByName) {
  GenerationInput input = Input(3, 7, 1);
  EXPECT_TRUE(generator_->Validate(input).ok());
  input.source_ids.clear();
  EXPECT_EQ(generator_->Validate(input).message(),
            "the source has 0 tokens, 1 to 128 are possible");
  input.source_ids = {853};
  EXPECT_EQ(generator_->Validate(input).message(),
            "the source has the token 853, 0 to 852 are in the vocabulary");
  input = Input(3, 129, 1);
  EXPECT_EQ(generator_->Validate(input).message(),
            "max_new_tokens is 129, at most 128 are possible with this model");
}

}  // namespace
}  // namespace attentiond
