// The KServe v2 RPCs beside inference: readiness, metadata, configuration, statistics, repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

KserveTestServer::Options WithUnloadedModel() {
  KserveTestServer::Options options;
  options.models.unloaded_models["late"].kind = ModelKind::kEmbedding;
  return options;
}

class KserveServiceTest : public ::testing::Test {
 protected:
  grpc::StatusCode ModelReady(const std::string& name, const std::string& version, bool* ready) {
    inference::ModelReadyRequest request;
    request.set_name(name);
    request.set_version(version);
    inference::ModelReadyResponse response;
    grpc::ClientContext context;
    const grpc::Status status = server_.stub().ModelReady(&context, request, &response);
    *ready = response.ready();
    return status.error_code();
  }
  grpc::Status Load(const std::string& name) {
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(name);
    return Load(request);
  }
  grpc::Status Load(const inference::RepositoryModelLoadRequest& request) {
    inference::RepositoryModelLoadResponse response;
    grpc::ClientContext context;
    return server_.stub().RepositoryModelLoad(&context, request, &response);
  }
  grpc::Status Unload(const inference::RepositoryModelUnloadRequest& request) {
    inference::RepositoryModelUnloadResponse response;
    grpc::ClientContext context;
    return server_.stub().RepositoryModelUnload(&context, request, &response);
  }
  std::vector<std::string> Index(bool only_ready) {
    inference::RepositoryIndexRequest request;
    request.set_ready(only_ready);
    inference::RepositoryIndexResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(server_.stub().RepositoryIndex(&context, request, &response).ok());
    std::vector<std::string> lines;
    for (const auto& model : response.models()) lines.push_back(model.name() + " " + model.state());
    return lines;
  }
  inference::ModelConfig Config(const std::string& name) {
    inference::ModelConfigRequest request;
    request.set_name(name);
    inference::ModelConfigResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(server_.stub().ModelConfig(&context, request, &response).ok());
    return response.config();
  }
  inference::ModelStatisticsResponse Statistics(const std::string& name) {
    inference::ModelStatisticsRequest request;
    request.set_name(name);
    inference::ModelStatisticsResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(server_.stub().ModelStatistics(&context, request, &response).ok());
    return response;
  }
  inference::ModelInferRequest Embed(const std::vector<std::string>& texts) {
    inference::ModelInferRequest request;
    request.set_model_name("encoder");
    AddRawText(&request, "text", texts);
    return request;
  }

  KserveTestServer server_{WithUnloadedModel()};
};

TEST_F(KserveServiceTest, LiveAndReady) {
  inference::ServerLiveResponse live;
  inference::ServerReadyResponse ready;
  grpc::ClientContext live_context, ready_context;
  EXPECT_TRUE(server_.stub().ServerLive(&live_context, {}, &live).ok());
  EXPECT_TRUE(server_.stub().ServerReady(&ready_context, {}, &ready).ok());
  EXPECT_TRUE(live.live());
  EXPECT_TRUE(ready.ready());
}

TEST_F(KserveServiceTest, ModelReady) {
  bool ready = false;
  EXPECT_EQ(ModelReady("sentiment", "", &ready), grpc::StatusCode::OK);
  EXPECT_TRUE(ready);
  EXPECT_EQ(ModelReady("attention", "1", &ready), grpc::StatusCode::OK);
  EXPECT_TRUE(ready);
  EXPECT_EQ(ModelReady("nobody", "", &ready), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ModelReady("sentiment", "2", &ready), grpc::StatusCode::NOT_FOUND);
}

TEST_F(KserveServiceTest, ServerMetadata) {
  inference::ServerMetadataResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server_.stub().ServerMetadata(&context, {}, &response).ok());
  EXPECT_EQ(response.name(), "attentiond");
  for (const char* extension : {"statistics", "model_configuration", "model_repository",
                                "parameters", "binary_tensor_data"}) {
    EXPECT_THAT(response.extensions(), Contains(extension));
  }
}

TEST_F(KserveServiceTest, ModelMetadata) {
  inference::ModelMetadataRequest request;
  request.set_name("attention");
  inference::ModelMetadataResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server_.stub().ModelMetadata(&context, request, &response).ok());
  EXPECT_EQ(response.name(), "attention");
  EXPECT_THAT(response.versions(), ElementsAre("1"));
  EXPECT_EQ(response.platform(), "attentiond_attention");
  ASSERT_EQ(response.inputs_size(), 6);
  EXPECT_EQ(response.inputs(0).name(), "query");
  EXPECT_EQ(response.inputs(0).datatype(), "FP32");
  EXPECT_THAT(response.inputs(0).shape(), ElementsAre(-1, -1, -1, -1));
  EXPECT_EQ(response.outputs(0).name(), "output");
  grpc::ClientContext unknown;
  request.set_name("nobody");
  EXPECT_EQ(server_.stub().ModelMetadata(&unknown, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(KserveServiceTest, ModelConfigLeavesTheBatchDimensionOut) {
  const inference::ModelConfig config = Config("sentiment");
  EXPECT_EQ(config.name(), "sentiment");
  EXPECT_EQ(config.max_batch_size(), 4096);
  EXPECT_TRUE(config.has_dynamic_batching());
  EXPECT_FALSE(config.model_transaction_policy().decoupled());
  ASSERT_EQ(config.input_size(), 5);
  EXPECT_EQ(config.input(0).name(), "text");
  EXPECT_EQ(config.input(0).data_type(), inference::TYPE_STRING);
  EXPECT_EQ(config.input(0).dims_size(), 0);
  EXPECT_EQ(config.input(2).name(), "input_ids");
  EXPECT_EQ(config.input(2).data_type(), inference::TYPE_INT64);
  EXPECT_THAT(config.input(2).dims(), ElementsAre(-1));
  EXPECT_EQ(config.output(2).name(), "probabilities");
  EXPECT_THAT(config.output(2).dims(), ElementsAre(2));
}

TEST(KserveConfigTest, TheBatchIsNoLargerThanTheQueue) {
  KserveTestServer::Options options;
  options.models.batching.max_queue_requests = 7;
  KserveTestServer server(options);
  inference::ModelConfigRequest request;
  request.set_name("sentiment");
  inference::ModelConfigResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub().ModelConfig(&context, request, &response).ok());
  EXPECT_EQ(response.config().max_batch_size(), 7);
}

TEST_F(KserveServiceTest, ConfigOfAttention) {
  const inference::ModelConfig config = Config("attention");
  EXPECT_EQ(config.max_batch_size(), 0);
  EXPECT_FALSE(config.input(2).optional());
  EXPECT_TRUE(config.input(3).optional());
  EXPECT_EQ(config.input(3).data_type(), inference::TYPE_BOOL);
  EXPECT_EQ(config.input(3).dims_size(), 4);
}

TEST_F(KserveServiceTest, StatisticsCountRowsAndRequests) {
  server_.MustInfer(Embed({"a", "b", "c"}));
  server_.MustInfer(Embed({"d"}));
  inference::ModelInferRequest wrong = Embed({"e"});
  WantOutputs(&wrong, {"logits"});
  inference::ModelInferResponse response;
  EXPECT_FALSE(server_.Infer(wrong, &response).ok());

  const inference::ModelStatisticsResponse answer = Statistics("encoder");
  ASSERT_EQ(answer.model_stats_size(), 1);
  const inference::ModelStatistics& statistics = answer.model_stats(0);
  EXPECT_EQ(statistics.name(), "encoder");
  EXPECT_EQ(statistics.version(), "1");
  EXPECT_EQ(statistics.inference_count(), 4u);
  EXPECT_GE(statistics.execution_count(), 2u);
  EXPECT_LE(statistics.execution_count(), 4u);
  EXPECT_GT(statistics.last_inference(), 0u);
  EXPECT_EQ(statistics.inference_stats().success().count(), 2u);
  EXPECT_GT(statistics.inference_stats().success().ns(), 0u);
  EXPECT_EQ(statistics.inference_stats().fail().count(), 1u);
  EXPECT_EQ(statistics.inference_stats().compute_infer().count(), 2u);
}

TEST_F(KserveServiceTest, StatisticsOfAllModels) {
  const inference::ModelStatisticsResponse answer = Statistics("");
  std::vector<std::string> names;
  for (const auto& statistics : answer.model_stats()) names.push_back(statistics.name());
  EXPECT_THAT(names, ElementsAre("attention", "encoder", "ids-only", "layer", "pictures",
                                 "pixels-only", "sentiment"));
}

TEST_F(KserveServiceTest, LoadAndUnload) {
  EXPECT_THAT(Index(/*only_ready=*/true), Not(Contains("late READY")));
  const grpc::Status loaded = Load("late");
  ASSERT_TRUE(loaded.ok()) << loaded.error_message();
  EXPECT_THAT(Index(/*only_ready=*/true), Contains("late READY"));
  bool ready = false;
  EXPECT_EQ(ModelReady("late", "", &ready), grpc::StatusCode::OK);
  EXPECT_TRUE(ready);
  inference::ModelInferRequest request = Embed({"a"});
  request.set_model_name("late");
  server_.MustInfer(request);

  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("late");
  (*unload.mutable_parameters())["unload_dependents"].set_bool_param(false);
  ASSERT_TRUE(Unload(unload).ok());
  EXPECT_EQ(ModelReady("late", "", &ready), grpc::StatusCode::OK);
  EXPECT_FALSE(ready);
  inference::ModelInferResponse response;
  EXPECT_EQ(server_.Infer(request, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(Index(/*only_ready=*/true), Not(Contains("late READY")));
  EXPECT_EQ(Unload(unload).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(KserveAdminTest, IsOffUnlessItIsTurnedOn) {
  KserveTestServer::Options options;
  options.server.enable_admin = false;
  KserveTestServer server(options);
  for (const char* method : {"RepositoryModelLoad", "RepositoryModelUnload"}) {
    const grpc::Status status = server.CallRaw(method, "");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_THAT(status.error_message(), HasSubstr("--enable-admin")) << method;
  }
}

TEST_F(KserveServiceTest, LoadErrors) {
  EXPECT_EQ(Load("nobody").error_code(), grpc::StatusCode::NOT_FOUND);
  for (const char* name : {"", "..", "../late", "/etc"}) {
    EXPECT_EQ(Load(name).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
  }
  inference::RepositoryModelLoadRequest with_config;
  with_config.set_model_name("late");
  (*with_config.mutable_parameters())["config"].set_string_param("{}");
  const grpc::Status status = Load(with_config);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("\"config\""));
  inference::RepositoryModelLoadRequest elsewhere;
  elsewhere.set_model_name("late");
  elsewhere.set_repository_name("elsewhere");
  EXPECT_EQ(Load(elsewhere).error_code(), grpc::StatusCode::NOT_FOUND);
  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("attention");
  EXPECT_EQ(Unload(unload).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(KserveServiceTest, OtherRpcsOfTheProtocolAreUnimplemented) {
  EXPECT_EQ(server_.CallRaw("TraceSetting", "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace attentiond::testing
