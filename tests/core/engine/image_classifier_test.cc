// The classifiers of pictures of tests/golden through the engine, from their files to their logits.
#include "core/engine/image_classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/engine/model.h"
#include "core/vision/image_decoder.h"
#include "core/vision/image_processor.h"
#include "core/weights/regular_file.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using ::attentiond::testing::TemporaryDirectory;
using ::testing::HasSubstr;

class ImageClassifierTest : public ::testing::TestWithParam<const char*> {
 protected:
  ImageClassifierTest() : golden_(GetParam()) {}

  std::shared_ptr<const Model> Load(LoadOptions::Precision precision) {
    auto model = LoadModel(golden_.directory(), {.precision = precision});
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  PixelValues PixelsOf(const Model& model, const nlohmann::json& golden_case) {
    const auto file =
        RegularFile::Open(golden_.directory() + "/" + golden_case.at("image").get<std::string>());
    EXPECT_TRUE(file.ok()) << file.status();
    const auto image = DecodeImage(*file->ReadAll(), ImageLimits());
    EXPECT_TRUE(image.ok()) << image.status();
    auto pixels = model.AsImageClassifier()->image_processor()->Process(*image, ImageLimits());
    EXPECT_TRUE(pixels.ok()) << pixels.status();
    return *std::move(pixels);
  }

  /// Every picture's logits, all in one batch.
  void ExpectLogits(const Model& model, float tolerance) {
    std::vector<PixelValues> pictures;
    std::vector<const float*> pixels;
    for (const auto& golden_case : golden_.cases()) {
      pictures.push_back(PixelsOf(model, golden_case));
      pixels.push_back(pictures.back().values.data());
    }
    std::vector<std::vector<float>> logits;
    const absl::Status status = model.AsImageClassifier()->Run(pixels, context_, &logits);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(logits.size(), pixels.size());
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto& golden_case = golden_.cases()[i];
      ExpectNear(logits[i], golden_case.at("logits").get<std::vector<float>>(), tolerance,
                 golden_case.at("name"));
    }
  }

  const GoldenModel golden_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(ImageClassifierTest, GivesTransformersLogits) {
  const auto model = Load(LoadOptions::Precision::kF32);
  EXPECT_EQ(model->info().kind, ModelKind::kImageClassification);
  EXPECT_EQ(model->AsTextEncoder(), nullptr);
  EXPECT_GT(model->info().weight_bytes, 0u);
  ExpectLogits(*model, golden_.tolerance());
}

TEST_P(ImageClassifierTest, PixelsAreTransformersToTheLastBit) {
  const auto model = Load(LoadOptions::Precision::kF32);
  for (const auto& golden_case : golden_.cases()) {
    const PixelValues pixels = PixelsOf(*model, golden_case);
    EXPECT_EQ(pixels.size, model->info().image);
    const absl::Span<const float> expected = golden_.array(golden_case, "pixel_values");
    EXPECT_TRUE(absl::MakeSpan(pixels.values) == expected) << golden_case.at("name");
  }
}

TEST_P(ImageClassifierTest, InBFloat16) {
  if (!DescribePlatform().has_bf16) GTEST_SKIP() << "this processor does not multiply bf16";
  const auto model = Load(LoadOptions::Precision::kBF16);
  EXPECT_EQ(model->info().compute, DType::kBF16);
  // As encoder_golden_test.cc derives it.
  const float roundings = std::sqrt(8.0f * static_cast<float>(model->info().num_layers) + 1);
  ExpectLogits(*model, 4 * 2 * roundings / 512);
}

TEST_P(ImageClassifierTest, InInt8) {
  if (!DescribePlatform().has_int8) GTEST_SKIP() << "this processor does not multiply int8";
  const auto model = Load(LoadOptions::Precision::kInt8);
  EXPECT_EQ(model->info().compute, DType::kI8);
  EXPECT_GT(*model->info().int8_cosine, ModelInfo::kWorryingInt8Cosine);
  // As int8_model_test.cc derives it; four standard deviations.
  const double error = std::sqrt(4.0 * static_cast<double>(model->info().num_layers)) * 0.01;
  ExpectLogits(*model, static_cast<float>(4 * error));
}

INSTANTIATE_TEST_SUITE_P(Golden, ImageClassifierTest,
                         ::testing::Values("vit-classify", "deit-classify", "deit-teacher",
                                           "vit-multilabel", "vit-rectangular"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class ImageClassifierLoadTest : public ::testing::Test {
 protected:
  ImageClassifierLoadTest() {
    std::filesystem::copy(ATTENTIOND_SOURCE_DIR "/tests/golden/vit-multilabel", directory_.path(),
                          std::filesystem::copy_options::recursive);
  }

  void ChangeConfig(const char* patch) {
    auto config = ReadJsonFile(directory_.PathOf("config.json"));
    ASSERT_TRUE(config.ok()) << config.status();
    config->merge_patch(nlohmann::json::parse(patch));
    directory_.Write("config.json", config->dump());
  }

  std::string Error() { return std::string(Load().status().message()); }
  absl::StatusOr<std::shared_ptr<const Model>> Load() {
    return LoadModel(directory_.path(), {.precision = LoadOptions::Precision::kF32});
  }

  const TemporaryDirectory directory_;
};

TEST_F(ImageClassifierLoadTest, WithoutAPreprocessorItTakesPixelValuesAlone) {
  std::filesystem::remove(directory_.PathOf("preprocessor_config.json"));
  const auto model = Load();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->AsImageClassifier()->image_processor(), nullptr);
}

TEST_F(ImageClassifierLoadTest, ThePreprocessorMustMakeWhatTheModelReads) {
  directory_.Write("preprocessor_config.json", R"({"size": 24})");
  EXPECT_THAT(Error(),
              HasSubstr("preprocessor_config.json makes pictures of 24 x 24 (height x width), "
                        "\"image_size\" of config.json is 20 x 20"));
  directory_.Write("preprocessor_config.json", R"({"image_processor_type": "BitImageProcessor"})");
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ImageClassifierLoadTest, OtherArchitecturesAreRefusedByName) {
  ChangeConfig(R"({"architectures": ["ViTForMaskedImageModeling"]})");
  EXPECT_EQ(Load().status(),
            absl::UnimplementedError("config.json: \"architectures\" \"ViTForMaskedImageModeling\" "
                                     "is not supported (supported: ViTForImageClassification)"));
  ChangeConfig(R"({"architectures": null})");
  EXPECT_THAT(Error(), HasSubstr("\"architectures\" must be an array"));
  ChangeConfig(R"({"model_type": "blip_vision_model"})");
  EXPECT_THAT(Error(), HasSubstr("\"blip_vision_model\" is not supported"));
}

TEST_F(ImageClassifierLoadTest, SizesThatTheWeightsDoNotHaveAreErrors) {
  ChangeConfig(R"({"image_size": 24})");
  EXPECT_THAT(Error(), HasSubstr("\"image_size\" of config.json is 24 x 24"));
  std::filesystem::remove(directory_.PathOf("preprocessor_config.json"));
  EXPECT_THAT(Error(), HasSubstr("vit.embeddings.position_embeddings"));
  ChangeConfig(R"({"image_size": 20, "patch_size": 5})");
  EXPECT_THAT(Error(), HasSubstr("vit.embeddings.patch_embeddings.projection.weight"));
  ChangeConfig(R"({"patch_size": 4, "num_hidden_layers": 3})");
  EXPECT_THAT(Error(), HasSubstr("vit.encoder.layer.2."));
  ChangeConfig(R"({"num_hidden_layers": 2, "id2label": null, "label2id": null, "num_labels": 9})");
  EXPECT_TRUE(absl::IsInvalidArgument(Load().status()));
}

}  // namespace
}  // namespace attentiond
