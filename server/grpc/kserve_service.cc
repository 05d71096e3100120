// server/grpc/kserve_service.cc -- one handler per KServe v2 RPC.
#include "server/grpc/kserve_service.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "server/grpc/kserve_descriptions.h"
#include "server/grpc/message_codec.h"
#include "server/grpc/model_infer.h"
#include "server/grpc/stream_infer.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr size_t kMaxWaitingModelOperations = 16;

// Of protobuf; what a response may be is bounded where its outputs are made.
constexpr int64_t kMaxMessageBytes = std::numeric_limits<int32_t>::max();

// An RPC that only tells: `tell` fills the response, at once.
template <typename Tell>
grpc::ServerUnaryReactor* Answer(const ServiceEnvironment& environment,
                                 grpc::CallbackServerContext* context, absl::string_view method,
                                 Tell tell) {
  auto* const reactor = new UnaryReactor(environment, context, method);
  absl::Status status = reactor->Authenticate();
  if (status.ok()) status = tell(*reactor);
  reactor->Reply(status);
  return reactor;
}

// An RPC that blocks: `job` runs on the worker.
grpc::ServerUnaryReactor* AnswerLater(UnaryReactor* reactor, BackgroundWorker& worker,
                                      std::function<absl::Status()> job) {
  const absl::Status submitted =
      worker.Submit([reactor, job = std::move(job)] { reactor->Reply(job()); });
  if (!submitted.ok()) reactor->Reply(submitted);
  return reactor;
}

absl::Status CheckRepositoryName(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("repository ", Quoted(name), " is not known; the only one has no name"));
}

// Loading and unloading change what everybody is served: nobody may, unless whoever started the
// server said so.
absl::Status CheckAdmin(const ServiceEnvironment& environment, absl::string_view method) {
  if (environment.enable_admin) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(method, " is off; the server's flag --enable-admin turns it on"));
}

// `known`: the parameter that may be given, a bool; empty: none.
template <typename Request>
absl::Status CheckModelOperation(const Request& request, absl::string_view known) {
  RETURN_IF_ERROR(CheckRepositoryName(request.repository_name()));
  if (request.model_name().empty()) return FieldError("model_name", "is empty; it is required");
  for (const auto& [key, value] : request.parameters()) {
    if (key != known) {
      return FieldError("parameters", absl::StrCat(Quoted(key), " is not known"));
    }
    if (!value.has_bool_param()) {
      return FieldError(absl::StrCat("parameters.", known), "required is bool_param");
    }
  }
  return absl::OkStatus();
}

}  // namespace

KserveService::KserveService(const ServiceEnvironment& environment)
    : environment_(environment), worker_(kMaxWaitingModelOperations) {}

grpc::ServerUnaryReactor* KserveService::ServerLive(grpc::CallbackServerContext* context,
                                                    const inference::ServerLiveRequest*,
                                                    inference::ServerLiveResponse* response) {
  return Answer(environment_, context, "ServerLive", [response](UnaryReactor&) {
    response->set_live(true);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* KserveService::ServerReady(grpc::CallbackServerContext* context,
                                                     const inference::ServerReadyRequest*,
                                                     inference::ServerReadyResponse* response) {
  return Answer(environment_, context, "ServerReady", [this, response](UnaryReactor&) {
    response->set_ready(environment_.gate->ready());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* KserveService::ModelReady(grpc::CallbackServerContext* context,
                                                    const inference::ModelReadyRequest* request,
                                                    inference::ModelReadyResponse* response) {
  return Answer(environment_, context, "ModelReady", [this, request, response](UnaryReactor&) {
    const absl::Status status =
        environment_.repository->Get(request->name(), request->version()).status();
    response->set_ready(status.ok() && !environment_.gate->draining());
    // Known but not loaded is an answer, not an error.
    return absl::IsUnavailable(status) ? absl::OkStatus() : status;
  });
}

grpc::ServerUnaryReactor* KserveService::ServerMetadata(
    grpc::CallbackServerContext* context, const inference::ServerMetadataRequest*,
    inference::ServerMetadataResponse* response) {
  return Answer(environment_, context, "ServerMetadata", [this, response](UnaryReactor&) {
    DescribeServer(environment_.version, response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* KserveService::ModelMetadata(
    grpc::CallbackServerContext* context, const inference::ModelMetadataRequest* request,
    inference::ModelMetadataResponse* response) {
  return Answer(environment_, context, "ModelMetadata",
                [this, request, response](UnaryReactor& reactor) -> absl::Status {
                  ASSIGN_OR_RETURN(auto model, environment_.repository->Get(request->name(),
                                                                            request->version()));
                  DescribeModel(*model, response);
                  reactor.SetModel(std::move(model));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KserveService::ModelConfig(grpc::CallbackServerContext* context,
                                                     const inference::ModelConfigRequest* request,
                                                     inference::ModelConfigResponse* response) {
  return Answer(environment_, context, "ModelConfig",
                [this, request, response](UnaryReactor& reactor) -> absl::Status {
                  ASSIGN_OR_RETURN(auto model, environment_.repository->Get(request->name(),
                                                                            request->version()));
                  DescribeConfig(*model, environment_.limits.max_rows, response->mutable_config());
                  reactor.SetModel(std::move(model));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KserveService::ModelStatistics(
    grpc::CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
    inference::ModelStatisticsResponse* response) {
  return Answer(environment_, context, "ModelStatistics",
                [this, request, response](UnaryReactor& reactor) -> absl::Status {
                  if (request->name().empty()) {
                    for (const auto& model : environment_.repository->Ready()) {
                      DescribeStatistics(*model, response->add_model_stats());
                    }
                    return absl::OkStatus();
                  }
                  ASSIGN_OR_RETURN(auto model, environment_.repository->Get(request->name(),
                                                                            request->version()));
                  DescribeStatistics(*model, response->add_model_stats());
                  reactor.SetModel(std::move(model));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KserveService::RepositoryIndex(
    grpc::CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
    inference::RepositoryIndexResponse* response) {
  return Answer(environment_, context, "RepositoryIndex",
                [this, request, response](UnaryReactor&) -> absl::Status {
                  RETURN_IF_ERROR(CheckRepositoryName(request->repository_name()));
                  DescribeIndex(environment_.repository->Index(), request->ready(), response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KserveService::RepositoryModelLoad(
    grpc::CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
    inference::RepositoryModelLoadResponse*) {
  auto* const reactor = new UnaryReactor(environment_, context, "RepositoryModelLoad");
  absl::Status status = reactor->Admit(request->ByteSizeLong());
  if (status.ok()) status = CheckAdmin(environment_, "RepositoryModelLoad");
  if (status.ok()) status = CheckModelOperation(*request, /*known=*/"");
  if (!status.ok()) {
    reactor->Reply(status);
    return reactor;
  }
  return AnswerLater(reactor, worker_, [this, name = request->model_name()] {
    return environment_.repository->Load(name);
  });
}

grpc::ServerUnaryReactor* KserveService::RepositoryModelUnload(
    grpc::CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse*) {
  auto* const reactor = new UnaryReactor(environment_, context, "RepositoryModelUnload");
  absl::Status status = reactor->Admit(request->ByteSizeLong());
  if (status.ok()) status = CheckAdmin(environment_, "RepositoryModelUnload");
  if (status.ok()) status = CheckModelOperation(*request, /*known=*/"unload_dependents");
  if (!status.ok()) {
    reactor->Reply(status);
    return reactor;
  }
  return AnswerLater(reactor, worker_, [this, name = request->model_name()] {
    return environment_.repository->Unload(name);
  });
}

grpc::ServerUnaryReactor* KserveService::ModelInfer(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  struct Messages {
    inference::ModelInferRequest request;
    inference::ModelInferResponse response;
  };
  auto* const reactor = new UnaryReactor(environment_, context, "ModelInfer");
  const auto messages = std::make_shared<Messages>();
  absl::Status status = reactor->Admit(request->Length());
  if (status.ok()) {
    // gRPC keeps the bytes until the call ends, for nobody: freed here, a request is there once.
    auto* const bytes = const_cast<grpc::ByteBuffer*>(request);
    status = ParseMessage(bytes, environment_.limits.max_rows, &messages->request);
    bytes->Clear();
  }
  if (!status.ok()) {
    reactor->Reply(status);
    return reactor;
  }
  StartModelInfer(
      environment_, reactor->call(),
      {.request = &messages->request,
       .response = &messages->response,
       .ticket = &reactor->ticket()},
      [reactor, messages, response](const InferOutcome& outcome) {
        reactor->SetModel(outcome.model);
        reactor->SetUsage(outcome.usage);
        reactor->Reply(outcome.status.ok()
                           ? SerializeMessage(messages->response, kMaxMessageBytes, response)
                           : outcome.status);
      });
  return reactor;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* KserveService::ModelStreamInfer(
    grpc::CallbackServerContext* context) {
  return StartStreamInfer(environment_, context);
}

}  // namespace attentiond
