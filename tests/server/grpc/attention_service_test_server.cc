// tests/server/grpc/attention_service_test_server.cc -- the parts, put together as the server does.
#include "tests/server/grpc/attention_service_test_server.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpcpp/generic/generic_stub.h"

namespace attentiond::testing {
namespace {

/// Loads what the test named: a fake by the last part of its directory, else the real thing.
ModelRepository::LoadFunction Loader(const FakeModels& models) {
  return [models](const std::string& directory,
                  const LoadOptions& options) -> absl::StatusOr<std::shared_ptr<const Model>> {
    const auto fake = models.find(std::filesystem::path(directory).filename());
    if (fake != models.end()) return MakeFakeModel(fake->second);
    return LoadModel(directory, options);
  };
}

}  // namespace

FakeModels DefaultModels() {
  FakeModels models;
  models["sentiment"].kind = ModelKind::kSequenceClassification;
  models["encoder"].kind = ModelKind::kEmbedding;
  models["layer"].kind = ModelKind::kAttentionLayer;
  models["ids-only"].has_tokenizer = false;
  return models;
}

AttentionTestServer::AttentionTestServer(Options options)
    : options_(std::move(options)),
      metrics_(Metrics::Create({})),
      scheduler_(std::make_unique<BatchScheduler>(options_.clock)),
      gate_(options_.gate, options_.clock, metrics_.get()) {
  absl::StatusOr<std::unique_ptr<TokenFile>> tokens = TokenFile::Open(
      options_.tokens.empty() ? std::string()
                              : directory_.Write("tokens", absl::StrJoin(options_.tokens, "\n")));
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  tokens_ = *std::move(tokens);
  ModelRepository::Options models;
  models.models = options_.checkpoints;
  for (const auto& [name, fake] : options_.models) {
    directory_.Write(name + "/config.json", "{}");
    models.models[name] = directory_.PathOf(name);
  }
  models.batching = options_.batching;
  models.load_model = Loader(options_.models);
  repository_ = std::make_unique<ModelRepository>(models, scheduler_.get(), metrics_.get(),
                                                  &threads_, options_.clock);
  const absl::Status loaded = repository_->LoadAll();
  EXPECT_TRUE(loaded.ok()) << loaded;
  inference_ = std::make_unique<Inference>(repository_.get(), options_.clock, options_.inference);

  environment_.repository = repository_.get();
  environment_.inference = inference_.get();
  environment_.metrics = metrics_.get();
  environment_.clock = options_.clock;
  environment_.gate = &gate_;
  environment_.tokens = tokens_.get();
  environment_.request_ids = &request_ids_;
  environment_.limits = options_.limits;
  service_ = std::make_unique<AttentionService>(environment_);

  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_.get());
  builder.SetMaxReceiveMessageSize(-1);
  server_ = builder.BuildAndStart();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                       grpc::InsecureChannelCredentials(), arguments);
  stub_ = v1::AttentionService::NewStub(channel_);
}

AttentionTestServer::~AttentionTestServer() {
  server_->Shutdown();
  server_->Wait();
}

grpc::Status AttentionTestServer::CallRaw(absl::string_view method, const std::string& bytes,
                                          grpc::ByteBuffer* reply) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  auto call = stub.PrepareUnaryCall(
      &context, absl::StrCat("/attentiond.v1.AttentionService/", method), request, &queue);
  call->StartCall();
  grpc::ByteBuffer ignored;
  grpc::Status status;
  call->Finish(reply == nullptr ? &ignored : reply, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok) && ok && tag == &status);
  return status;
}

std::string BadField(const grpc::Status& status) {
  const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
  return bad_request.field_violations().empty() ? "" : bad_request.field_violations(0).field();
}

}  // namespace attentiond::testing
