// A bug of the server, seen from both ends: the client gets INTERNAL and a request id, the log the
// cause under that id, and the next request its answer.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "attentiond/v1/attention_service.grpc.pb.h"
#include "server/logging/logger.h"
#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCause[] = "kernel 7 of /models/secret lost a tile";

inference::ModelInferRequest Request(const std::string& model = "sentiment") {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  AddRawText(&request, "text", {"a"});
  return request;
}

std::string TrailingRequestId(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("x-request-id");
  return found == trailers.end() ? "" : std::string(found->second.data(), found->second.size());
}

/// "sentiment" has a bug that can be mended while it serves; "encoder" has none.
class InternalErrorTest : public ::testing::Test {
 protected:
  InternalErrorTest() : logger_({.format = LogFormat::kJson}, &log_), server_(Options()) {}

  /// The lines of the log that are about `request_id`.
  std::vector<nlohmann::json> LogOf(const std::string& request_id) {
    logger_.Flush();
    std::vector<nlohmann::json> lines;
    std::istringstream log(log_.str());
    for (std::string line; std::getline(log, line);) {
      const nlohmann::json entry = nlohmann::json::parse(line);
      if (entry.value("request_id", "") == request_id) lines.push_back(entry);
    }
    return lines;
  }

  void ExpectLogged(const std::string& request_id, const std::string& method) {
    const std::vector<nlohmann::json> lines = LogOf(request_id);
    ASSERT_EQ(lines.size(), 1u) << "request id '" << request_id << "' in " << log_.str();
    EXPECT_EQ(lines[0].value("level", ""), "error");
    EXPECT_EQ(lines[0].value("code", ""), "INTERNAL");
    EXPECT_EQ(lines[0].value("method", ""), method);
    EXPECT_EQ(lines[0].value("model", ""), "sentiment");
    EXPECT_EQ(lines[0].value("error", ""), kCause);
  }

  void ExpectServes() {
    server_.MustInfer(Request("encoder"));
    has_bug_ = false;
    server_.MustInfer(Request());
  }

  std::atomic<bool> has_bug_{true};
  std::ostringstream log_;
  Logger logger_;
  KserveTestServer server_;

 private:
  KserveTestServer::Options Options() {
    KserveTestServer::Options options;
    options.logger = &logger_;
    options.models.models["sentiment"].on_run = [this](int64_t) {
      return has_bug_ ? absl::InternalError(kCause) : absl::OkStatus();
    };
    return options;
  }
};

TEST_F(InternalErrorTest, OfModelInfer) {
  grpc::ClientContext context;
  inference::ModelInferResponse response;
  const grpc::Status status = server_.Infer(Request(), &response, &context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  const std::string id = TrailingRequestId(context);
  EXPECT_NE(id, "");
  EXPECT_THAT(status.error_message(), EndsWith("request id " + id));
  EXPECT_THAT(status.error_message() + status.error_details(), Not(HasSubstr("secret")));
  ExpectLogged(id, "ModelInfer");
  ExpectServes();
}

TEST_F(InternalErrorTest, OfClassifyWithAnIdOfTheClients) {
  const auto stub = v1::AttentionService::NewStub(server_.channel());
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "mine-43");
  v1::ClassifyRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text("a");
  v1::ClassifyResponse response;
  const grpc::Status status = stub->Classify(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), EndsWith("request id mine-43"));
  EXPECT_THAT(status.error_message() + status.error_details(), Not(HasSubstr("secret")));
  ExpectLogged("mine-43", "Classify");
  ExpectServes();
}

TEST_F(InternalErrorTest, OfOneRequestOfAStream) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "mine-44");
  const auto stream = server_.stub().ModelStreamInfer(&context);
  inference::ModelStreamInferResponse reply;
  ASSERT_TRUE(stream->Write(Request()));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_THAT(reply.error_message(), EndsWith("request id mine-44/1"));
  EXPECT_THAT(reply.error_message(), Not(HasSubstr("secret")));
  ExpectLogged("mine-44/1", "ModelStreamInfer");

  has_bug_ = false;
  ASSERT_TRUE(stream->Write(Request()));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.error_message(), "");
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  ExpectServes();
}

}  // namespace
}  // namespace attentiond::testing
