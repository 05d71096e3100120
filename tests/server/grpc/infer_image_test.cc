// ModelInfer of pictures over a real server with fake models: tensors, outputs, and every error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/infer_request.h"
#include "tests/testing/png_file.h"

namespace attentiond::testing {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ModelInferRequest Files(const std::vector<std::string>& files) {
  ModelInferRequest request;
  request.set_model_name("pictures");
  AddRawText(&request, "image", files);
  return request;
}

ModelInferRequest Pixels(const std::string& model, const std::vector<float>& values) {
  ModelInferRequest request;
  request.set_model_name(model);
  AddRaw<float>(&request, "pixel_values", "FP32",
                {static_cast<int64_t>(values.size() / 12), 3, 2, 2}, values);
  return request;
}

class InferImageTest : public ::testing::Test {
 protected:
  void ExpectError(const ModelInferRequest& request, grpc::StatusCode code,
                   const std::string& field, const std::string& words) {
    ModelInferResponse response;
    const grpc::Status status = server_.Infer(request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(ViolatedField(status), field) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(words));
  }
  void ExpectInvalid(const ModelInferRequest& request, const std::string& field,
                     const std::string& words) {
    ExpectError(request, grpc::StatusCode::INVALID_ARGUMENT, field, words);
  }

  KserveTestServer server_;
};

// Twelve times 100: logits 0 and 1.2.
const float kGood = 1 / (1 + std::exp(-1.2f));

TEST_F(InferImageTest, ClassifiesFilesByDefaultIntoOneLabelEach) {
  const ModelInferResponse response =
      server_.MustInfer(Files({GreyPng(2, 2, 100), GreyPng(5, 7, 100), GreyPng(1, 1, 0)}));
  EXPECT_THAT(OutputNames(response), ElementsAre("label", "score"));
  EXPECT_THAT(OutputShape(response, "label"), ElementsAre(3));
  EXPECT_THAT(OutputText(response, "label"), ElementsAre("good", "good", "bad"));
  EXPECT_THAT(OutputShape(response, "score"), ElementsAre(3));
  const std::vector<float> scores = OutputValues<float>(response, "score");
  EXPECT_NEAR(scores[0], kGood, 1e-6);
  EXPECT_NEAR(scores[1], kGood, 1e-6);
  EXPECT_FLOAT_EQ(scores[2], 0.5f);
}

TEST_F(InferImageTest, GivesTheBestLabelsThatAreAskedFor) {
  ModelInferRequest request = Files({GreyPng(2, 2, 100)});
  (*request.mutable_parameters())["top_k"].set_int64_param(2);
  const ModelInferResponse two = server_.MustInfer(request);
  EXPECT_THAT(OutputShape(two, "label"), ElementsAre(1, 2));
  EXPECT_THAT(OutputText(two, "label"), ElementsAre("good", "bad"));
  EXPECT_THAT(OutputShape(two, "score"), ElementsAre(1, 2));
  EXPECT_NEAR(OutputValues<float>(two, "score")[1], 1 - kGood, 1e-6);
  (*request.mutable_parameters())["top_k"].set_int64_param(1);
  EXPECT_THAT(OutputShape(server_.MustInfer(request), "label"), ElementsAre(1, 1));
}

TEST_F(InferImageTest, TakesPixelValuesToo) {
  std::vector<float> values(24, 100);
  for (size_t i = 12; i < 24; ++i) values[i] = -100;
  for (const char* model : {"pictures", "pixels-only"}) {
    ModelInferRequest request = Pixels(model, values);
    WantOutputs(&request, {"logits", "probabilities", "label"});
    const ModelInferResponse response = server_.MustInfer(request);
    EXPECT_THAT(OutputNames(response), ElementsAre("logits", "probabilities", "label"));
    EXPECT_THAT(OutputShape(response, "logits"), ElementsAre(2, 2));
    EXPECT_THAT(OutputValues<float>(response, "logits"), ElementsAre(0, 1.2f, 0, -1.2f));
    EXPECT_NEAR(OutputValues<float>(response, "probabilities")[1], kGood, 1e-6);
    EXPECT_THAT(OutputText(response, "label"), ElementsAre("good", "bad"));
  }
}

TEST_F(InferImageTest, NoPicturesHaveNoLabels) {
  const ModelInferResponse response = server_.MustInfer(Files({}));
  EXPECT_THAT(OutputShape(response, "label"), ElementsAre(0));
  EXPECT_THAT(OutputText(response, "label"), IsEmpty());
  EXPECT_THAT(OutputShape(server_.MustInfer(Pixels("pictures", {})), "score"), ElementsAre(0));
}

TEST_F(InferImageTest, SaysWhichPictureIsNone) {
  const std::string good = GreyPng(2, 2, 100);
  ExpectInvalid(Files({good, "GIF89a"}), "inputs.image.row 1",
                "row 1: a GIF file was found, a PNG or JPEG file is required");
  ExpectInvalid(Files({""}), "inputs.image.row 0", "an empty file was found");
  ExpectInvalid(Files({good.substr(0, good.size() - 20)}), "inputs.image.row 0",
                "the PNG file is broken: ");
  ExpectInvalid(Files({PngHeader(30000, 30000, 8, 2)}), "inputs.image.row 0",
                "30000 x 30000 pixels, at most 67108864 in all are allowed");
  ExpectInvalid(Files({PngHeader(0, 0, 8, 2)}), "inputs.image.row 0", "0 x 0 pixels");
  ExpectInvalid(Files({std::string((20 << 20) + 1, 'x')}), "inputs.image.row 0",
                "the file has 20971521 bytes, at most 20971520 are allowed");
}

TEST_F(InferImageTest, TensorsThatAreWrongAreErrors) {
  ModelInferRequest empty;
  empty.set_model_name("pictures");
  ExpectInvalid(empty, "inputs.image", "is missing; image or pixel_values is required");
  ModelInferRequest both = Files({GreyPng(2, 2, 100)});
  AddRaw<float>(&both, "pixel_values", "FP32", {1, 3, 2, 2}, std::vector<float>(12));
  ExpectInvalid(both, "inputs.pixel_values", "and so is image");
  ModelInferRequest files = Files({GreyPng(2, 2, 100)});
  files.set_model_name("pixels-only");
  ExpectInvalid(files, "inputs.image", "no preprocessor_config.json; pixel_values is required");
  ModelInferRequest shape;
  shape.set_model_name("pictures");
  AddRaw<float>(&shape, "pixel_values", "FP32", {1, 3, 2, 3}, std::vector<float>(18));
  ExpectInvalid(shape, "inputs.pixel_values", "shape is [1, 3, 2, 3]; required is [-1, 3, 2, 2]");
  ModelInferRequest text = Files({GreyPng(2, 2, 100)});
  text.set_model_name("sentiment");
  ExpectInvalid(text, "inputs", "\"image\" is not an input");
}

TEST_F(InferImageTest, ParametersThatAreWrongAreErrors) {
  for (const int64_t top_k : {0, 3, -1}) {
    ModelInferRequest request = Files({GreyPng(2, 2, 100)});
    (*request.mutable_parameters())["top_k"].set_int64_param(top_k);
    ExpectInvalid(request, "parameters.top_k", "required is 1 to 2");
  }
  ModelInferRequest unknown = Files({GreyPng(2, 2, 100)});
  (*unknown.mutable_parameters())["truncate"].set_bool_param(true);
  ExpectInvalid(unknown, "parameters", "\"truncate\" is not known");
}

TEST_F(InferImageTest, DescribesItself) {
  inference::ModelMetadataRequest request;
  request.set_name("pictures");
  inference::ModelMetadataResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server_.stub().ModelMetadata(&context, request, &response).ok());
  EXPECT_EQ(response.platform(), "attentiond_image_classification");
  ASSERT_EQ(response.inputs_size(), 2);
  EXPECT_EQ(response.inputs(0).name(), "image");
  EXPECT_EQ(response.inputs(0).datatype(), "BYTES");
  EXPECT_THAT(response.inputs(1).shape(), ElementsAre(-1, 3, 2, 2));
  ASSERT_EQ(response.outputs_size(), 4);
  EXPECT_THAT(response.outputs(3).shape(), ElementsAre(-1, 2));
}

TEST_F(InferImageTest, CountsPicturesAndTheirTokens) {
  server_.MustInfer(Files({GreyPng(2, 2, 100), GreyPng(3, 3, 1)}));
  EXPECT_EQ(server_.Metric("attentiond_tokens_total{kind=\"input\",model=\"pictures\"}"), 10);
  EXPECT_EQ(server_.Metric("attentiond_tokenize_duration_seconds_count{model=\"pictures\"}"), 1);
}

}  // namespace
}  // namespace attentiond::testing
