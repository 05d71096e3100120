// client/unary_caller.h -- one unary call with everything around it: token, deadline, retries.
#pragma once

#include <grpcpp/client_context.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/retry.h"
#include "client/status.h"
#include "core/base/clock.h"

namespace attentiond::client {

/// What one call may take.
struct CallOptions {
  absl::Duration timeout = absl::Seconds(30);  ///< of the call with all its attempts and waits
  bool wait_for_ready = false;  ///< wait for the server to come up instead of failing at once
};

/// Prepares contexts and repeats calls. Threads: any, when `random` may be called from any.
class UnaryCaller {
 public:
  struct Options {
    std::string bearer_token;  ///< sent as "authorization: Bearer ..."; empty: none
    RetryOptions retry;
    Clock* clock = Clock::Real();  ///< not owned
    RandomSource random = SystemRandom();
  };
  explicit UnaryCaller(Options options) : options_(std::move(options)) {}

  /// Sets the deadline, the token and wait-for-ready of one attempt.
  void Prepare(grpc::ClientContext* context, absl::Duration timeout, bool wait_for_ready) const;

  /// Calls `method` of `stub` until it succeeds or there is no sense in another attempt. The error
  /// is that of the last attempt, see FromGrpc().
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub* stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, const CallOptions& options) const {
    Response response;
    const absl::Status status = Run(options, [&](grpc::ClientContext* context) {
      response.Clear();
      return (stub->*method)(context, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

 private:
  absl::Status Run(const CallOptions& options,
                   const std::function<grpc::Status(grpc::ClientContext*)>& attempt) const;

  const Options options_;
};

}  // namespace attentiond::client
