#include "core/vision/preprocessor_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::TemporaryDirectory;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json WithType(json object, const char* type = "ViTImageProcessor") {
  object["image_processor_type"] = type;
  return object;
}

TEST(PreprocessorConfigTest, TypesHaveTheirOwnDefaults) {
  const auto vit = ParsePreprocessorConfig(WithType(json::object()), "");
  ASSERT_TRUE(vit.ok()) << vit.status();
  EXPECT_EQ(vit->resize->size, (ImageSize{224, 224}));
  EXPECT_EQ(vit->resample, Resampling::kBilinear);
  EXPECT_EQ(vit->crop, std::nullopt);
  EXPECT_EQ(vit->rescale_factor, 1.0 / 255);
  EXPECT_THAT(vit->normalize->mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(vit->OutputSize(), (ImageSize{224, 224}));

  const auto deit = ParsePreprocessorConfig(WithType(json::object(), "DeiTImageProcessor"), "");
  EXPECT_EQ(deit->resize->size, (ImageSize{256, 256}));
  EXPECT_EQ(deit->resample, Resampling::kBicubic);
  EXPECT_EQ(deit->OutputSize(), (ImageSize{224, 224}));

  const auto blip = ParsePreprocessorConfig(WithType(json::object(), "BlipImageProcessor"), "");
  EXPECT_EQ(blip->OutputSize(), (ImageSize{384, 384}));
  EXPECT_EQ(blip->normalize->deviation[0], 0.26862954);

  const auto clip = ParsePreprocessorConfig(WithType(json::object(), "CLIPImageProcessor"), "");
  EXPECT_EQ(clip->resize->size, std::nullopt);
  EXPECT_EQ(clip->resize->shortest_edge, 224);
  EXPECT_EQ(clip->OutputSize(), (ImageSize{224, 224}));
}

TEST(PreprocessorConfigTest, OtherSpellingsOfATypeAreThatType) {
  for (const json& object :
       {json{{"image_processor_type", "ViTImageProcessorFast"}},
        json{{"image_processor_type", "ViTImageProcessorPil"}},
        json{{"feature_extractor_type", "ViTFeatureExtractor"}}, json::object()}) {
    const auto config = ParsePreprocessorConfig(object, "ViTImageProcessor");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->type, "ViTImageProcessor");
  }
}

TEST(PreprocessorConfigTest, SizesComeInSeveralForms) {
  const auto target = [](const json& size, const char* type = "ViTImageProcessor") {
    auto config = ParsePreprocessorConfig(WithType({{"size", size}}, type), "");
    EXPECT_TRUE(config.ok()) << config.status();
    return *config->resize;
  };
  EXPECT_EQ(target({{"height", 3}, {"width", 4}}).size, (ImageSize{3, 4}));
  EXPECT_EQ(target(5).size, (ImageSize{5, 5}));
  EXPECT_EQ(target({6, 7}).size, (ImageSize{6, 7}));
  EXPECT_EQ(target(5, "CLIPImageProcessor").shortest_edge, 5);
  const ResizeTarget edges = target({{"shortest_edge", 8}, {"longest_edge", 9}});
  EXPECT_EQ(edges.size, std::nullopt);
  EXPECT_EQ(edges.shortest_edge, 8);
  EXPECT_EQ(edges.longest_edge, 9);
}

TEST(PreprocessorConfigTest, StepsCanBeSwitchedOff) {
  const auto config = ParsePreprocessorConfig(WithType({{"do_resize", false},
                                                        {"do_center_crop", false},
                                                        {"do_rescale", false},
                                                        {"do_normalize", false}},
                                                       "DeiTImageProcessor"),
                                              "");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->resize || config->crop || config->rescale_factor || config->normalize);
  EXPECT_EQ(config->OutputSize(), std::nullopt);
}

struct Refused {
  json object;
  const char* message;
};

TEST(PreprocessorConfigTest, RefusesWhatItCannotDoByName) {
  const Refused kRefused[] = {
      {WithType(json::object(), "DonutImageProcessor"),
       "\"image_processor_type\" \"DonutImageProcessor\" is not supported (supported: "
       "ViTImageProcessor, DeiTImageProcessor, BlipImageProcessor, CLIPImageProcessor)"},
      {WithType({{"size", {{"longest_edge", 3}}}}), "\"size\" "},
      {WithType({{"size", "224"}}), "\"size\" "},
      {WithType({{"size", {{"height", 3}}}}), "\"size\" "},
      {WithType({{"do_pad", true}}), "\"do_pad\" true is not supported"},
      {WithType({{"offset", true}}), "\"offset\" true is not supported"},
      {WithType({{"crop_pct", 0.9}}), "\"crop_pct\" is not supported"},
      {WithType({{"crop_size", {{"shortest_edge", 3}}}, {"do_center_crop", true}}),
       "\"crop_size\" "},
  };
  for (const Refused& refused : kRefused) {
    const auto config = ParsePreprocessorConfig(refused.object, "");
    EXPECT_EQ(config.status().code(), absl::StatusCode::kUnimplemented) << refused.object;
    EXPECT_THAT(config.status().message(), HasSubstr(refused.message));
  }
}

TEST(PreprocessorConfigTest, RefusesValuesThatMakeNoSense) {
  const Refused kRefused[] = {
      {WithType({{"size", 0}}), "\"size\" is \"0\", 1 to 8192 is required"},
      {WithType({{"size", {{"height", 3}, {"width", 9000}}}}), "\"size\" is \"9000\""},
      {WithType({{"size", {{"height", 3.5}, {"width", 4}}}}), "\"size\" is \"3.5\""},
      {WithType({{"resample", 6}}), "\"resample\" is 6, 0 to 5 is required"},
      {WithType({{"do_resize", "yes"}}), "\"do_resize\""},
      {WithType({{"do_center_crop", true}}), "\"crop_size\" is missing"},
      {WithType({{"rescale_factor", 0}}), "\"rescale_factor\" is 0, more than 0"},
      {WithType({{"image_mean", {0.5, 0.5}}}), "\"image_mean\" is "},
      {WithType({{"image_mean", {0.5, 0.5, "x"}}}), "three numbers of at most 1e6"},
      {WithType({{"image_std", {0.5, 0.0, 0.5}}}), "three positive numbers of at most 1e6"},
  };
  for (const Refused& refused : kRefused) {
    const auto config = ParsePreprocessorConfig(refused.object, "");
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << refused.object;
    EXPECT_THAT(config.status().message(), HasSubstr(refused.message));
  }
}

TEST(PreprocessorConfigTest, IsFoundInEitherFile) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(LoadPreprocessorConfig(directory.path(), "").status()));
  directory.Write("preprocessor_config.json", R"({"size": 5})");
  EXPECT_EQ(LoadPreprocessorConfig(directory.path(), "ViTImageProcessor")->OutputSize(),
            (ImageSize{5, 5}));
  directory.Write("processor_config.json", R"({"processor_class": "BlipProcessor"})");
  EXPECT_EQ(LoadPreprocessorConfig(directory.path(), "ViTImageProcessor")->OutputSize(),
            (ImageSize{5, 5}));
  directory.Write("processor_config.json", R"({"image_processor": {"size": 7}})");
  EXPECT_EQ(LoadPreprocessorConfig(directory.path(), "ViTImageProcessor")->OutputSize(),
            (ImageSize{7, 7}));
  directory.Write("processor_config.json", R"({"image_processor": {"size": 0}})");
  EXPECT_THAT(LoadPreprocessorConfig(directory.path(), "ViTImageProcessor").status().message(),
              HasSubstr(directory.path() + "/processor_config.json: \"size\" is "));
  directory.Write("processor_config.json", "{");
  EXPECT_TRUE(absl::IsInvalidArgument(
      LoadPreprocessorConfig(directory.path(), "ViTImageProcessor").status()));
}

}  // namespace
}  // namespace attentiond
