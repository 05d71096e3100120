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
    Start(request, std::make_shared<PendingCall<v1::AttendResponse>>(),
          &v1::AttentionService::Stub::async::Attend);
  }
  void operator()(const v1::ClassifyRequest& request) const {
    Start(request, std::make_shared<PendingCall<v1::ClassifyResponse>>(),
          &v1::AttentionService::Stub::async::Classify);
  }
  void operator()(const v1::EmbedRequest& request) const {
    Start(request, std::make_shared<PendingCall<v1::EmbedResponse>>(),
          &v1::AttentionService::Stub::async::Embed);
  }

 private:
  template <typename Request, typename Response>
  void Start(const Request& request, std::shared_ptr<PendingCall<Response>> call,
             void (v1::AttentionService::Stub::async::*method)(
                 grpc::ClientContext*, const Request*, Response*,
                 std::function<void(grpc::Status)>)) const {
    caller.Prepare(&call->context, options.timeout, options.wait_for_ready);
    PendingCall<Response>* const raw = call.get();
    // The callback owns the call, and lets go of it before it tells anybody: the context holds the
    // channel, whose last owner must not be one of gRPC's own threads.
    (stub->async()->*method)(
        &raw->context, &request, &raw->response,
        [call = std::move(call), on_status = on_status](grpc::Status status) mutable {
          const RequestOutcome outcome = Outcome(status, call->response);
          call.reset();
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
