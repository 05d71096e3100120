// server/grpc/attention_service.cc -- what every RPC of attentiond.v1 begins with.
#include "server/grpc/attention_service.h"

#include <memory>

#include "absl/strings/string_view.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_streams.h"

namespace attentiond {
namespace {

/// RPCs that are work need a place in the server; those that only tell are answered while it is
/// full, or draining, too.
enum class Admission : uint8_t { kWork, kTellsOnly };

template <typename Call>
grpc::ServerUnaryReactor* Run(const ServiceEnvironment& environment,
                              grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                              grpc::ByteBuffer* reply, absl::string_view method,
                              Admission admission,
                              absl::Status (*start)(const std::shared_ptr<Call>& call)) {
  auto* const reactor = new UnaryReactor(environment, context, method);
  auto call = std::make_shared<Call>(environment, reactor, reply);
  absl::Status status =
      admission == Admission::kWork ? reactor->Admit(request->Length()) : reactor->Authenticate();
  if (status.ok()) {
    // The bytes are gRPC's until the RPC ends, and const to say so; a tensor of a gigabyte should
    // not be there twice for that long.
    auto* const bytes = const_cast<grpc::ByteBuffer*>(request);
    status = ParseMessage(bytes, environment.limits.max_rows, &call->request);
    bytes->Clear();
  }
  if (status.ok()) status = start(call);
  if (!status.ok()) reactor->Reply(status);
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* AttentionService::Attend(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Attend", Admission::kWork, &StartAttend);
}

grpc::ServerUnaryReactor* AttentionService::Classify(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Classify", Admission::kWork, &StartClassify);
}

grpc::ServerUnaryReactor* AttentionService::Embed(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Embed", Admission::kWork, &StartEmbed);
}

grpc::ServerUnaryReactor* AttentionService::Explain(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Explain", Admission::kWork, &StartExplain);
}

grpc::ServerUnaryReactor* AttentionService::Translate(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Translate", Admission::kWork, &StartTranslate);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* AttentionService::TranslateStream(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StartTranslateStream(environment_, context, request);
}

grpc::ServerUnaryReactor* AttentionService::Caption(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Caption", Admission::kWork, &StartCaption);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* AttentionService::CaptionStream(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StartCaptionStream(environment_, context, request);
}

grpc::ServerUnaryReactor* AttentionService::Tokenize(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "Tokenize", Admission::kWork, &StartTokenize);
}

grpc::ServerUnaryReactor* AttentionService::ListModels(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* reply) {
  return Run(environment_, context, request, reply, "ListModels", Admission::kTellsOnly,
             &StartListModels);
}

}  // namespace attentiond
