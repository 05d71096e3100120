// Greedy decoding with a vocabulary so large that the likeliest token is searched for without all
// logits: the same tokens as with them, and the same beside sequences that take them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "core/weights/safetensors.h"
#include "tests/testing/checkpoint_builder.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

constexpr char kGolden[] = ATTENTIOND_SOURCE_DIR "/tests/golden/marian-translate/";
constexpr int64_t kGoldenVocabulary = 853, kVocabulary = 40'000;

class GreedySearchTest : public ::testing::Test {
 protected:
  // The golden model's layers under a vocabulary of random embeddings.
  GreedySearchTest() {
    testing::CheckpointBuilder builder(
        nlohmann::json::parse(std::ifstream(std::string(kGolden) + "config.json")));
    builder.config["vocab_size"] = builder.config["decoder_vocab_size"] = kVocabulary;
    const auto golden = SafetensorsFile::Open(std::string(kGolden) + "model.safetensors");
    EXPECT_TRUE(golden.ok()) << golden.status();
    for (const auto& [name, tensor] : (*golden)->tensors()) {
      const absl::Span<const int64_t> dims = tensor.shape.dims();
      if (dims[0] == kGoldenVocabulary) {
        builder.AddRandom(name, Shape{kVocabulary, dims[1]}, 0.3f);
      } else if (dims.back() == kGoldenVocabulary) {
        builder.AddRandom(name, Shape{1, kVocabulary}, 0.1f);
      } else {
        builder.Add(name, tensor.shape, Aligned(tensor));
      }
    }
    builder.WriteTo(directory_);
    LoadOptions options;
    options.precision = LoadOptions::Precision::kBF16;
    auto model = LoadModel(directory_.path(), options);
    if (absl::IsUnimplemented(model.status())) return;
    EXPECT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    generator_ = model_->AsTextGenerator();
  }

  void SetUp() override {
    if (model_ == nullptr) GTEST_SKIP() << "no bf16 on this processor";
  }

  static std::vector<float> Aligned(const TensorView& tensor) {
    std::vector<float> values(static_cast<size_t>(tensor.num_elements()));
    std::memcpy(values.data(), tensor.data, tensor.num_bytes());
    return values;
  }

  GenerationInput Input(unsigned seed) const {
    std::mt19937 engine(seed);
    GenerationInput input;
    for (unsigned i = 0; i < 3 + seed % 20; ++i) {
      input.source_ids.push_back(static_cast<int32_t>(2 + engine() % (kVocabulary - 3)));
    }
    input.options = generator_->default_options();
    input.options.num_beams = 1;
    input.options.min_new_tokens = 4;
    input.options.max_new_tokens = 12;
    return input;
  }

  /// The same, so that logits are needed: tokens that are there already are penalised, by nothing
  /// that changes a logit by more than its last bit.
  static GenerationInput WithLogits(GenerationInput input) {
    input.options.repetition_penalty = std::nextafter(1.0f, std::numeric_limits<float>::infinity());
    return input;
  }

  std::vector<GeneratedSequence> Run(const std::vector<GenerationInput>& inputs) {
    const auto generation = generator_->NewGeneration(int64_t{1} << 26);
    for (size_t i = 0; i < inputs.size(); ++i) {
      generation->Add(static_cast<int64_t>(i), inputs[i]);
    }
    std::vector<GeneratedSequence> results(inputs.size());
    while (generation->num_sequences() > 0) {
      GenerationStep step;
      const absl::Status status = generation->Step(context_, &step);
      EXPECT_TRUE(status.ok()) << status;
      if (!status.ok()) break;
      for (auto& [key, result] : step.finished) {
        results[static_cast<size_t>(key)] = std::move(result.sequences[0]);
      }
    }
    return results;
  }

  testing::TemporaryDirectory directory_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  std::shared_ptr<const Model> model_;
  const TextGenerator* generator_ = nullptr;
};

TEST_F(GreedySearchTest, FindsTheTokensThatLogitsTell) {
  std::vector<GenerationInput> searched, with_logits;
  for (unsigned seed = 0; seed < 40; ++seed) {
    searched.push_back(Input(seed));
    with_logits.push_back(WithLogits(Input(seed)));
  }
  const std::vector<GeneratedSequence> found = Run(searched), expected = Run(with_logits);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].ids, expected[i].ids);
    // The integers' logits are within a hundredth of a deviation, and their errors even out.
    EXPECT_NEAR(found[i].score, expected[i].score, 0.01);
  }
}

TEST_F(GreedySearchTest, TokensThatMayNotFollowDoNot) {
  GenerationInput input = Input(7);
  for (int round = 0; round < 3; ++round) {
    const GeneratedSequence found = Run({input})[0];
    EXPECT_EQ(found.ids, Run({WithLogits(input)})[0].ids);
    for (const int32_t token : found.ids) {
      for (const int32_t suppressed : input.options.suppress_tokens) EXPECT_NE(token, suppressed);
    }
    input.options.suppress_tokens.push_back(found.ids[1]);
    input.options.no_repeat_ngram_size = 2;
  }
}

TEST_F(GreedySearchTest, IsTheSameInAnyCompany) {
  std::vector<GenerationInput> inputs;
  for (unsigned seed = 0; seed < 12; ++seed) {
    GenerationInput input = Input(seed);
    if (seed % 4 == 1) input.options.num_beams = 3;
    if (seed % 4 == 2) input = WithLogits(input);
    if (seed % 4 == 3) {
      input.options.do_sample = true;
      input.options.seed = seed;
    }
    inputs.push_back(input);
  }
  const std::vector<GeneratedSequence> together = Run(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const GeneratedSequence alone = Run({inputs[i]})[0];
    EXPECT_EQ(alone.ids, together[i].ids) << i;
    EXPECT_EQ(alone.score, together[i].score) << i;
  }
}

}  // namespace
}  // namespace attentiond
