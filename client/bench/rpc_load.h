// client/bench/rpc_load.h -- the requests of a load as asynchronous calls: any number in flight on
// gRPC's own few threads.
#pragma once

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "attentiond/v1/attention_service.grpc.pb.h"
#include "client/bench/load_generator.h"
#include "client/unary_caller.h"

namespace attentiond::client {

using LoadRequest = std::variant<v1::AttendRequest, v1::ClassifyRequest, v1::EmbedRequest>;

/// Sends prepared requests in turn, over its channels in turn. A failed call is an outcome, not
/// tried again. Threads: Start() from any.
class RpcLoad {
 public:
  /// `requests` and `channels` are not empty. `options` are those of each call; only Probe() waits
  /// for the server.
  RpcLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
          std::vector<LoadRequest> requests, UnaryCaller::Options caller,
          const CallOptions& options);

  /// Request number index modulo their count; see LoadGenerator::StartRequest. The RpcLoad must
  /// outlive the call.
  void Start(int64_t index, LoadGenerator::Done done) const;

  /// Sends the first request over each channel and waits for it, so that the load does not begin
  /// with errors that a glance would have shown, nor with the connection's set-up.
  absl::Status Probe() const;

 private:
  const std::vector<LoadRequest> requests_;
  const UnaryCaller caller_;
  const CallOptions options_;
  std::vector<std::unique_ptr<v1::AttentionService::Stub>> stubs_;
};

}  // namespace attentiond::client
