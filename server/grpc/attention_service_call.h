// server/grpc/attention_service_call.h -- one RPC of attentiond.v1 in progress: its messages beside
// its reactor.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/message_codec.h"
#include "server/grpc/service_environment.h"
#include "server/grpc/unary_reactor.h"

namespace attentiond {

/// Held by whoever works on the RPC, also in the callbacks of work in flight, which points into the
/// messages. Threads: one at a time.
template <typename Request, typename Response>
struct AttentionCall {
  using Pointer = std::shared_ptr<AttentionCall>;

  AttentionCall(const ServiceEnvironment& service_environment, UnaryReactor* unary_reactor,
                grpc::ByteBuffer* reply_bytes)
      : environment(service_environment), reactor(unary_reactor), reply(reply_bytes) {}

  /// Ends the RPC, once: with `response` when OK. `reactor` and `reply` are gone afterwards.
  void Reply(absl::Status status) {
    if (status.ok()) {
      status = SerializeMessage(response, environment.limits.max_message_bytes, reply);
    }
    reactor->Reply(status);
  }

  /// Ends it well: what it cost goes into the response and the model's statistics.
  void Finish(int64_t rows, const CallTiming& timing) {
    SetTiming(timing, response.mutable_timing());
    response.set_input_tokens(timing.input_tokens);
    InferenceUsage usage;
    usage.rows = rows;
    usage.timing = timing;
    reactor->SetUsage(usage);
    Reply(absl::OkStatus());
  }

  const ServiceEnvironment& environment;
  UnaryReactor* const reactor;
  grpc::ByteBuffer* const reply;
  Request request;
  Response response;
};

}  // namespace attentiond
