// tests/server/grpc/kserve_test_server.cc -- the parts, put together as the server does.
#include "tests/server/grpc/kserve_test_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace attentiond::testing {

KserveTestServer::KserveTestServer(Options options) : models_(options.models) {
  options.server.address = "127.0.0.1:0";
  auto server = GrpcServer::Start(options.server, {.repository = &models_.repository(),
                                                   .inference = &models_.inference(),
                                                   .metrics = &models_.metrics(),
                                                   .clock = Clock::Real(),
                                                   .logger = options.logger});
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  if (options.set_ready) server_->SetReady();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                       grpc::InsecureChannelCredentials(), arguments);
  stub_ = inference::GRPCInferenceService::NewStub(channel_);
}

KserveTestServer::~KserveTestServer() {
  if (server_ != nullptr) server_->Stop(absl::InfiniteFuture());
}

grpc::Status KserveTestServer::Infer(const inference::ModelInferRequest& request,
                                     inference::ModelInferResponse* response,
                                     grpc::ClientContext* context) {
  grpc::ClientContext own_context;
  return stub_->ModelInfer(context == nullptr ? &own_context : context, request, response);
}

inference::ModelInferResponse KserveTestServer::MustInfer(
    const inference::ModelInferRequest& request) {
  inference::ModelInferResponse response;
  const grpc::Status status = Infer(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_code() << ": " << status.error_message();
  return response;
}

grpc::Status KserveTestServer::CallRaw(const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  auto call =
      stub.PrepareUnaryCall(&context, "/inference.GRPCInferenceService/" + method, request, &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok) && ok && tag == &status);
  return status;
}

double KserveTestServer::Metric(const std::string& series) {
  for (absl::string_view line : absl::StrSplit(metrics().Serialize(), '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&line, series + " ") && absl::SimpleAtod(line, &value)) return value;
  }
  return -1;
}

std::string ViolatedField(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad_request;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&bad_request)) return bad_request.field_violations(0).field();
  }
  return "";
}

}  // namespace attentiond::testing
