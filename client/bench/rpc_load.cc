#include "client/bench/rpc_load.h"

#include <functional>
#include <memory>
#include <utility>

#include "client/status.h"
#include "core/base/mutex.h"

namespace attentiond::client {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// What a call needs until it is answered.
template <typename Response>
struct PendingCall {
  grpc::ClientContext context;
  Response response;
};

template <typename Response>
RequestOutcome Outcome(const grpc::Status& status, const Response& response) {
  RequestOutcome outcome;
  outcome.code = FromGrpc(status).code();
  outcome.queue = ToDuration(response.timing().queue());
  outcome.tokenize = ToDuration(response.timing().tokenize());
  outcome.compute = ToDuration(response.timing().compute());
  outcome.tokens = response.input_tokens();
  return outcome;
}

using OnStatus = std::function<void(const grpc::Status& status, const RequestOutcome& outcome)>;

// Overloads for std::visit: which method takes which request.
struct Starter {
  v1::AttentionService::Stub* stub;
  const UnaryCaller& caller;
  CallOptions options;
  OnStatus on_status;

  void operator()(const v1::AttendRequest& request) const {
    Start<v1::AttendResponse>(request, &v1::AttentionService::Stub::async::Attend);
  }
  void operator()(const v1::ClassifyRequest& request) const {
    Start<v1::ClassifyResponse>(request, &v1::AttentionService::Stub::async::Classify);
  }
  void operator()(const v1::EmbedRequest& request) const {
    Start<v1::EmbedResponse>(request, &v1::AttentionService::Stub::async::Embed);
  }

 private:
  template <typename Response, typename Request>
  void Start(const Request& request, void (v1::AttentionService::Stub::async::*method)(
                                         grpc::ClientContext*, const Request*, Response*,
                                         std::function<void(grpc::Status)>)) const {
    // The context holds the channel, whose last owner must not be one of gRPC's own threads: it
    // would wait for itself. So the callback, which is always called once, deletes it before it
    // tells anybody; it does not own it, for gRPC copies it, and what sends a request may still
    // have its copy when all is over.
    auto* const call = new PendingCall<Response>;
    caller.Prepare(&call->context, options.timeout, options.wait_for_ready);
    (stub->async()->*method)(&call->context, &request, &call->response,
                             [call, on_status = on_status](const grpc::Status& status) {
                               const RequestOutcome outcome = Outcome(status, call->response);
                               delete call;
                               on_status(status, outcome);
                             });
  }
};

}  // namespace

RpcLoad::RpcLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                 std::vector<LoadRequest> requests, UnaryCaller::Options caller,
                 const CallOptions& options)
    : requests_(std::move(requests)), caller_(std::move(caller)), options_(options) {
  for (const auto& channel : channels) stubs_.push_back(v1::AttentionService::NewStub(channel));
}

void RpcLoad::Start(int64_t index, LoadGenerator::Done done) const {
  const auto number = static_cast<size_t>(index);
  const Starter starter{stubs_[number % stubs_.size()].get(), caller_, options_,
                        [done = std::move(done)](const grpc::Status&,
                                                 const RequestOutcome& outcome) { done(outcome); }};
  std::visit(starter, requests_[number % requests_.size()]);
}

absl::Status RpcLoad::Probe() const {
  for (const auto& stub : stubs_) {
    Mutex mutex;
    CondVar answered;
    std::optional<absl::Status> result;
    const Starter starter{stub.get(), caller_, options_,
                          [&](const grpc::Status& status, const RequestOutcome&) {
                            MutexLock lock(&mutex);
                            result = FromGrpc(status);
                            answered.Signal();
                          }};
    std::visit(starter, requests_.front());
    MutexLock lock(&mutex);
    while (!result) answered.Wait(&mutex);
    if (!result->ok()) return *result;
  }
  return absl::OkStatus();
}

}  // namespace attentiond::client
