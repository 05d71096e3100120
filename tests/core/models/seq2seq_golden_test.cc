// Encoder states, logits of given tokens and cross attention, as transformers computes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/generate/page_pool.h"
#include "core/models/float_conversion.h"
#include "core/models/seq2seq/caption_config.h"
#include "core/models/seq2seq/seq2seq_config.h"
#include "core/models/seq2seq/seq2seq_loader.h"
#include "core/models/vision_encoder.h"
#include "core/weights/checkpoint.h"
#include "tests/testing/golden_generators.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using testing::GoldenModel;

constexpr int64_t kTokens = KeyValueLayout::kTokens;

std::vector<float> Values(absl::Span<const float> values) { return {values.begin(), values.end()}; }

class DecoderGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto checkpoint = Checkpoint::Open(golden_.directory());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    checkpoint_ = *std::move(checkpoint);
  }

  void ExpectNear(const std::vector<float>& actual, absl::Span<const float> expected) {
    testing::ExpectWithin(actual, Values(expected), [&](size_t i) {
      return double{golden_.tolerance()} * (1 + std::abs(double{expected[i]}));
    });
  }

  /// The states of a case's input, then what the decoder makes of them and the case's tokens.
  void Check(const nlohmann::json& one, const absl::StatusOr<TensorView>& states,
             const Decoder& decoder) {
    ASSERT_TRUE(states.ok()) << states.status();
    ExpectNear(Values(states->values<float>()), golden_.array(one, "encoder_last_hidden_state"));
    const KeyValueLayout layout = decoder.layout();
    const int64_t length = states->shape.dim(0);
    const int64_t memory_pages = KeyValueLayout::PagesOf(length);
    PagePool pool(layout, memory_pages + 1);
    std::vector<int32_t> pages(static_cast<size_t>(memory_pages + 1));
    std::iota(pages.begin(), pages.end(), 0);
    std::vector<PagedToken> places;
    for (int64_t t = 0; t < length; ++t) {
      places.push_back({pool.page(static_cast<int32_t>(1 + t / kTokens)), t % kTokens});
    }
    ASSERT_TRUE(decoder.WriteMemory(*states, places, context_).ok());
    const auto forced = one.at("forced_decoder_ids").get<std::vector<int32_t>>();
    const int64_t maps = layout.layers * layout.heads;
    std::vector<std::vector<float>> weights(forced.size());
    std::vector<DecoderRow> rows;
    for (size_t i = 0; i < forced.size(); ++i) {
      weights[i].resize(static_cast<size_t>(maps * length));
      rows.push_back({forced[i], static_cast<int64_t>(i), pages.data(), pages.data() + 1, length,
                      weights[i].data()});
    }
    const auto vocab_size = static_cast<size_t>(decoder.vocab_size());
    std::vector<float> logits(forced.size() * vocab_size);
    const auto take = [&](const Decoder::LogitsSlice& slice) {
      for (size_t r = 0; r < forced.size(); ++r) {
        const absl::Span<const float> row = slice.row(r);
        const auto at = static_cast<std::ptrdiff_t>(r * vocab_size) + slice.first_token;
        std::copy(row.begin(), row.end(), logits.begin() + at);
      }
    };
    ASSERT_TRUE(decoder.Run(rows, pool.data(), {}, take, context_).ok());
    ExpectNear(logits, golden_.array(one, "forced_logits"));
    if (!golden_.has(one, "cross_attentions")) return;
    std::vector<float> in_order;  // [layers, heads, decoded, source]
    for (int64_t map = 0; map < maps; ++map) {
      for (const std::vector<float>& of_token : weights) {
        in_order.insert(in_order.end(), of_token.begin() + map * length,
                        of_token.begin() + (map + 1) * length);
      }
    }
    ExpectNear(in_order, golden_.array(one, "cross_attentions"));
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  const GoldenModel golden_{GetParam()};
  std::unique_ptr<const Checkpoint> checkpoint_;
};

class TranslatorGoldenTest : public DecoderGoldenTest {};

TEST_P(TranslatorGoldenTest, StatesLogitsAndCrossAttentionAgree) {
  const nlohmann::json& json = checkpoint_->config();
  const auto config =
      ParseSeq2SeqConfig(*FindSeq2SeqFamily(json.at("model_type").get<std::string>()), json);
  ASSERT_TRUE(config.ok()) << config.status();
  WeightLoader loader(checkpoint_.get());
  const auto model = LoadTextSeq2Seq(*config, DType::kF32, &loader);
  ASSERT_TRUE(model.ok()) << model.status();
  for (const nlohmann::json& one : golden_.cases()) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    if (!one.contains("forced_decoder_ids")) continue;
    const auto ids = one.at("input_ids").get<std::vector<int32_t>>();
    Check(one, model->encoder.Run(ids, {0, static_cast<int64_t>(ids.size())}, context_),
          model->decoder);
  }
}

class CaptionerGoldenTest : public DecoderGoldenTest {};

TEST_P(CaptionerGoldenTest, StatesLogitsAndCrossAttentionAgree) {
  const auto config = ParseCaptionConfig(checkpoint_->config());
  ASSERT_TRUE(config.ok()) << config.status();
  WeightLoader loader(checkpoint_.get());
  const auto encoder = VisionEncoder::Load(config->vision, DType::kF32, &loader);
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  const auto decoder = LoadCaptionDecoder(*config, DType::kF32, &loader);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  int checked = 0;
  for (const nlohmann::json& one : golden_.cases()) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    if (!one.contains("forced_decoder_ids")) continue;
    const float* const pixels = golden_.array(one, "pixel_values").data();
    Check(one, encoder->Run({.pixels = absl::MakeConstSpan(&pixels, 1)}, context_), *decoder);
    ++checked;
  }
  EXPECT_GE(checked, 3);
}

INSTANTIATE_TEST_SUITE_P(Translators, TranslatorGoldenTest,
                         ::testing::ValuesIn(testing::GoldenTranslators()), testing::NameOfFolder);
INSTANTIATE_TEST_SUITE_P(Captioners, CaptionerGoldenTest,
                         ::testing::ValuesIn(testing::GoldenCaptioners()), testing::NameOfFolder);

}  // namespace
}  // namespace attentiond
