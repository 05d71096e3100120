// Encoders of pictures against transformers: the last hidden states of tests/golden/make_vision.py.
#include "core/models/vision_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/models/float_conversion.h"
#include "core/ops/processor.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using ::testing::HasSubstr;

class VisionEncoderTest : public ::testing::TestWithParam<const char*> {
 protected:
  VisionEncoderTest() : golden_(GetParam()) {
    for (const auto& golden_case : golden_.cases()) {
      pixels_.push_back(golden_.array(golden_case, "pixel_values").data());
    }
  }

  VisionEncoder Load(LinearTypes types) {
    const auto checkpoint = Checkpoint::Open(golden_.directory());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    const auto& json = (*checkpoint)->config();
    const auto config =
        ParseVisionConfig(*FindVisionFamily(json.at("model_type").get<std::string>()), json);
    EXPECT_TRUE(config.ok()) << config.status();
    WeightLoader loader(checkpoint->get());
    auto encoder = VisionEncoder::Load(*config, types, &loader);
    EXPECT_TRUE(encoder.ok()) << encoder.status();
    return *std::move(encoder);
  }

  /// Of each picture, or of the first tokens of the first ones.
  std::vector<float> Run(const VisionEncoder& encoder, const VisionBatch& batch) {
    const auto hidden = encoder.Run(batch, context_);
    EXPECT_TRUE(hidden.ok()) << hidden.status();
    std::vector<float> floats(static_cast<size_t>(hidden->num_elements()));
    ToFloats(*hidden, 0, absl::MakeSpan(floats));
    return floats;
  }

  std::vector<float> Expected() {
    std::vector<float> all;
    for (const auto& golden_case : golden_.cases()) {
      const auto hidden = golden_.array(golden_case, "last_hidden_state");
      all.insert(all.end(), hidden.begin(), hidden.end());
    }
    return all;
  }

  const GoldenModel golden_;
  std::vector<const float*> pixels_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(VisionEncoderTest, GivesTransformersHiddenStates) {
  const VisionEncoder encoder = Load(DType::kF32);
  ExpectNear(Run(encoder, {.pixels = pixels_}), Expected(), golden_.tolerance(), "all at once");
}

TEST_P(VisionEncoderTest, APictureHasTheSameBitsInEveryBatch) {
  const VisionEncoder encoder = Load(DType::kF32);
  const std::vector<float> together = Run(encoder, {.pixels = pixels_});
  const size_t each = together.size() / pixels_.size();
  for (size_t i = 0; i < pixels_.size(); ++i) {
    const std::vector<float> alone = Run(encoder, {.pixels = {&pixels_[i], 1}});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                           together.begin() + static_cast<std::ptrdiff_t>(i * each)))
        << i;
  }
}

TEST_P(VisionEncoderTest, FirstTokensAloneAreThoseOfAll) {
  const VisionEncoder encoder = Load(DType::kF32);
  const std::vector<float> expected = Expected();
  const std::vector<float> actual =
      Run(encoder, {.pixels = pixels_, .first_token_rows = pixels_.size() - 1});
  const size_t each = expected.size() / pixels_.size();
  const auto hidden = static_cast<size_t>(encoder.config().layers.hidden_size);
  ASSERT_EQ(actual.size(), (pixels_.size() - 1) * hidden + each);
  for (size_t i = 0; i < pixels_.size(); ++i) {
    const size_t size = i + 1 < pixels_.size() ? hidden : each;
    ExpectNear(absl::MakeSpan(actual).subspan(i * hidden, size),
               absl::MakeSpan(expected).subspan(i * each, size), golden_.tolerance(), "a picture");
  }
}

TEST_P(VisionEncoderTest, AttentionsSumToOne) {
  const VisionEncoder encoder = Load(DType::kF32);
  const auto tokens = static_cast<size_t>(encoder.config().tokens());
  const auto maps =
      static_cast<size_t>(encoder.config().layers.num_layers * encoder.config().layers.num_heads);
  std::vector<float> attentions(maps * tokens * tokens);
  float* const to = attentions.data();
  ExpectNear(Run(encoder, {.pixels = pixels_, .attentions = {&to, 1}}), Expected(),
             golden_.tolerance(), "with attentions");
  for (size_t row = 0; row < maps * tokens; ++row) {
    float sum = 0;
    for (size_t key = 0; key < tokens; ++key) sum += attentions[row * tokens + key];
    ASSERT_NEAR(sum, 1, 1e-5) << row;
  }
}

TEST_P(VisionEncoderTest, Bf16IsNear) {
  if (!DescribeProcessor().has_bf16) GTEST_SKIP() << "this processor does not multiply bf16";
  const VisionEncoder encoder = Load(DType::kBF16);
  // As encoder_golden_test.cc derives it: about eight roundings a layer, and one of the patches.
  const auto layers = static_cast<float>(encoder.config().layers.num_layers);
  const float tolerance = 4 * 2 * std::sqrt(8 * layers + 1) / 512;
  ExpectNear(Run(encoder, {.pixels = pixels_}), Expected(), tolerance, "bf16");
}

INSTANTIATE_TEST_SUITE_P(Golden, VisionEncoderTest,
                         ::testing::Values("deit-classify", "deit-teacher", "vit-multilabel",
                                           "vit-rectangular", "vit-encoder", "blip-vision"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

struct Refused {
  const char* patch;  // merged into a configuration that is right
  absl::StatusCode code;
  const char* message;
};

TEST(VisionConfigTest, RefusesByNameWhatIsWrong) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
  const Refused kRefused[] = {
      {R"({"hidden_size": 0})", kInvalid, "\"hidden_size\" is 0, 1 to "},
      {R"({"hidden_size": "24"})", kInvalid, "\"hidden_size\""},
      {R"({"num_attention_heads": 5})", kInvalid, "\"hidden_size\" is 24, a multiple of"},
      {R"({"num_hidden_layers": 100000})", kInvalid, "\"num_hidden_layers\" is 100000"},
      {R"({"patch_size": 17})", kInvalid,
       "\"image_size\" 16 x 16 has 0 patches of \"patch_size\" 17 x 17, 1 to 65535 are required"},
      {R"({"image_size": 8192, "patch_size": 1})", kInvalid, "has 67108864 patches"},
      {R"({"image_size": [16, 0]})", kInvalid, "\"image_size\" is 0"},
      {R"({"image_size": "large"})", kInvalid, "\"image_size\""},
      {R"({"num_channels": 1})", kUnimplemented, "\"num_channels\" 1 is not supported, only 3"},
      {R"({"hidden_act": "mish"})", kUnimplemented, "\"hidden_act\": activation \"mish\""},
      {R"({"layer_norm_eps": 0})", kInvalid, "\"layer_norm_eps\" is 0, more than 0"},
      {R"({"qkv_bias": 1})", kInvalid, "\"qkv_bias\""},
      {R"({"quantization_config": {"bits": 4}})", kUnimplemented, "\"quantization_config\""},
  };
  const nlohmann::json right = {
      {"hidden_size", 24}, {"num_attention_heads", 3}, {"image_size", 16}, {"patch_size", 8}};
  ASSERT_TRUE(ParseVisionConfig(*FindVisionFamily("vit"), right).ok());
  for (const Refused& refused : kRefused) {
    nlohmann::json json = right;
    json.merge_patch(nlohmann::json::parse(refused.patch));
    const auto config = ParseVisionConfig(*FindVisionFamily("vit"), json);
    EXPECT_EQ(config.status().code(), refused.code) << refused.patch;
    EXPECT_THAT(config.status().message(), HasSubstr(refused.message));
  }
}

TEST(VisionConfigTest, HasTransformersDefaults) {
  const auto vit = ParseVisionConfig(*FindVisionFamily("vit"), nlohmann::json::object());
  ASSERT_TRUE(vit.ok()) << vit.status();
  EXPECT_EQ(vit->tokens(), 197);
  EXPECT_EQ(vit->layers.hidden_size, 768);
  const auto deit = ParseVisionConfig(*FindVisionFamily("deit"), nlohmann::json::object());
  EXPECT_EQ(deit->tokens(), 198);
  const auto blip =
      ParseVisionConfig(*FindVisionFamily("blip_vision_model"), nlohmann::json::object());
  EXPECT_EQ(blip->tokens(), 577);
  EXPECT_EQ(FindVisionFamily("resnet"), nullptr);
}

TEST(VisionEncoderLoadTest, NamesWhatIsMissing) {
  const auto checkpoint = Checkpoint::Open(ATTENTIOND_SOURCE_DIR "/tests/golden/vit-encoder");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  auto config = ParseVisionConfig(*FindVisionFamily("deit"), (*checkpoint)->config());
  ASSERT_TRUE(config.ok()) << config.status();
  WeightLoader loader(checkpoint->get());
  const auto deit = VisionEncoder::Load(*config, DType::kF32, &loader);
  // One token more than there are positions.
  EXPECT_THAT(deit.status().message(), HasSubstr("embeddings.position_embeddings"));
  config = ParseVisionConfig(*FindVisionFamily("blip_vision_model"), (*checkpoint)->config());
  EXPECT_THAT(VisionEncoder::Load(*config, DType::kF32, &loader).status().message(),
              HasSubstr("vision_model.embeddings.patch_embedding.weight"));
}

}  // namespace
}  // namespace attentiond
