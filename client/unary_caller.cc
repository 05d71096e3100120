#include "client/unary_caller.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"

namespace attentiond::client {

void UnaryCaller::Prepare(grpc::ClientContext* context, absl::Duration timeout,
                          bool wait_for_ready) const {
  // gRPC's deadlines are points of the system's clock; a day stands for "for ever".
  const auto bounded = absl::ToChronoMicroseconds(std::min(timeout, absl::Hours(24)));
  context->set_deadline(std::chrono::system_clock::now() + bounded);
  context->set_wait_for_ready(wait_for_ready);
  if (!options_.bearer_token.empty()) {
    context->AddMetadata("authorization", absl::StrCat("Bearer ", options_.bearer_token));
  }
}

absl::Status UnaryCaller::Run(
    const CallOptions& options,
    const std::function<grpc::Status(grpc::ClientContext*)>& attempt) const {
  const absl::Time deadline = options_.clock->Now() + options.timeout;
  return CallWithRetry(options_.retry, options_.clock, options_.random, deadline, [&] {
    grpc::ClientContext context;
    Prepare(&context, deadline - options_.clock->Now(), options.wait_for_ready);
    return FromGrpc(attempt(&context));
  });
}

}  // namespace attentiond::client
