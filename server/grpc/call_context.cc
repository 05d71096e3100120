// server/grpc/call_context.cc -- id, deadline, peer and token of an RPC.
#include "server/grpc/call_context.h"

#include <grpc/support/time.h>

#include "absl/hash/hash.h"
#include "server/grpc/trace_context.h"

namespace attentiond {
namespace {

// gRPC's deadline is a moment of its own clocks: what carries over is the time that is left.
absl::Time DeadlineOn(Clock* clock, const grpc::CallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return absl::InfiniteFuture();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return clock->Now() + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

// By the token where there is one, else by the host: its connections are one client.
uint64_t ClientOf(absl::string_view authorization, absl::string_view peer) {
  const absl::string_view host = peer.substr(0, peer.rfind(':'));
  return absl::HashOf(authorization.empty() ? host : authorization);
}

}  // namespace

absl::string_view ClientMetadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

std::shared_ptr<Call> MakeCall(const ServiceEnvironment& environment,
                               const grpc::CallbackServerContext& context,
                               absl::string_view method) {
  auto call = std::make_shared<Call>();
  const absl::string_view id = ClientMetadata(context, kRequestIdMetadata);
  call->request_id = IsValidRequestId(id) ? std::string(id) : environment.request_ids->Next();
  if (const auto trace = ParseTraceparent(ClientMetadata(context, kTraceMetadata))) {
    call->trace = trace->WithSpan(NewSpanId());
  }
  call->method = std::string(method);
  call->peer = context.peer();
  call->client = ClientOf(ClientMetadata(context, "authorization"), call->peer);
  call->arrival = environment.clock->Now();
  call->deadline = DeadlineOn(environment.clock, context);
  return call;
}

absl::Status Authenticate(const ServiceEnvironment& environment,
                          const grpc::CallbackServerContext& context) {
  return environment.tokens->Check(ClientMetadata(context, "authorization"));
}

}  // namespace attentiond
