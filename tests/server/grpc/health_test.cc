// grpc.health.v1 (Check and Watch, on both ports) and server reflection.
#include "server/grpc/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/server/grpc/kserve_test_server.h"
#include "tests/server/grpc/raw_stream.h"

namespace attentiond::testing {
namespace {

using ::testing::HasSubstr;

// HealthCheckResponse{status}: field 1, a varint.
const char kServing[] = "\x08\x01";
const char kNotServing[] = "\x08\x02";
const char kServiceUnknown[] = "\x08\x03";

// HealthCheckRequest{service}: field 1, a string.
std::string HealthRequest(const std::string& service) {
  return service.empty()
             ? ""
             : absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
}

/// What Watch says of a service at first; Check is the same state, asked once.
std::string StatusOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  RawStream watch(channel, "/grpc.health.v1.Health/Watch");
  watch.Write(HealthRequest(service));
  return watch.Read();
}

KserveTestServer::Options WithHealthPort() {
  KserveTestServer::Options options;
  options.set_ready = false;
  options.models.unloaded_models["late"].kind = ModelKind::kEmbedding;
  options.server.health_address = "127.0.0.1:0";
  return options;
}

class HealthTest : public ::testing::Test {
 protected:
  HealthTest()
      : health_channel_(
            grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_.server().health_port()),
                                grpc::InsecureChannelCredentials())) {}

  grpc::Status Load(const std::string& name) {
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(name);
    inference::RepositoryModelLoadResponse response;
    grpc::ClientContext context;
    return server_.stub().RepositoryModelLoad(&context, request, &response);
  }

  KserveTestServer server_{WithHealthPort()};
  std::shared_ptr<grpc::Channel> health_channel_;
};

TEST_F(HealthTest, TheServerAndEachModelOnBothPorts) {
  for (const auto& channel : {server_.channel(), health_channel_}) {
    EXPECT_EQ(StatusOf(channel, ""), kNotServing);
    EXPECT_EQ(StatusOf(channel, "sentiment"), kServing);
    EXPECT_EQ(StatusOf(channel, "attention"), kServing);
    EXPECT_EQ(StatusOf(channel, "nobody"), kServiceUnknown);
  }
  server_.server().SetReady();
  for (const auto& channel : {server_.channel(), health_channel_}) {
    EXPECT_EQ(StatusOf(channel, ""), kServing);
  }
}

TEST_F(HealthTest, WatchFollowsLoadingUnloadingAndDraining) {
  ASSERT_TRUE(Load("late").ok());
  RawStream watch(server_.channel(), "/grpc.health.v1.Health/Watch");
  watch.Write(HealthRequest("late"));
  EXPECT_EQ(watch.Read(), kServing);
  ASSERT_TRUE(server_.repository().Unload("late").ok());
  EXPECT_EQ(watch.Read(), kNotServing);
  ASSERT_TRUE(Load("late").ok());
  EXPECT_EQ(watch.Read(), kServing);
  server_.server().StartDraining();
  EXPECT_EQ(watch.Read(), kNotServing);
}

TEST_F(HealthTest, TheHealthPortServesNothingElse) {
  const auto stub = inference::GRPCInferenceService::NewStub(health_channel_);
  grpc::ClientContext context;
  inference::ServerLiveResponse response;
  EXPECT_EQ(stub->ServerLive(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(HealthTest, AnOpenWatchDoesNotDelayStopping) {
  RawStream watch(server_.channel(), "/grpc.health.v1.Health/Watch");
  watch.Write(HealthRequest(""));
  EXPECT_EQ(watch.Read(), kNotServing);
  EXPECT_TRUE(server_.server().Stop(absl::InfiniteFuture()));
  std::string last = watch.Read();
  while (last == kNotServing) last = watch.Read();
  EXPECT_EQ(last, "end");
}

TEST_F(HealthTest, ReflectionListsTheServices) {
  RawStream reflection(server_.channel(),
                       "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  // ServerReflectionRequest{list_services}: field 7, a string.
  reflection.Write(std::string("\x3a\x01*", 3));
  const std::string listing = reflection.Read();
  for (const char* service : {"inference.GRPCInferenceService", "attentiond.v1.AttentionService",
                              "grpc.health.v1.Health"}) {
    EXPECT_THAT(listing, HasSubstr(service));
  }
}

}  // namespace
}  // namespace attentiond::testing
