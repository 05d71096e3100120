// server/grpc/stream_infer.cc -- the state of one stream.
//
// One function, Next(), decides under the lock what to start now; whoever changed the state calls
// it and then does what it said, without the lock. The reactor stays alive while something that was
// started has not come back, and while an exchange is in the queue; it ends itself when neither is.
#include "server/grpc/stream_infer.h"

#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/call_context.h"
#include "server/grpc/message_codec.h"
#include "server/grpc/model_infer.h"
#include "server/grpc/status_conversion.h"

namespace attentiond {
namespace {

using ByteBuffer = grpc::ByteBuffer;

// Of protobuf; what a response may be is bounded where its outputs are made.
constexpr int64_t kMaxMessageBytes = std::numeric_limits<int32_t>::max();

/// One request of the stream and its reply.
struct Exchange {
  ByteBuffer request_bytes;
  ByteBuffer reply_bytes;
  inference::ModelInferRequest request;
  inference::ModelStreamInferResponse reply;
  std::shared_ptr<Call> call;
  AdmissionGate::Ticket ticket;
  absl::Status status;
  bool answered = false;  ///< guarded by the stream's lock
};

class StreamReactor final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  StreamReactor(const ServiceEnvironment& environment, grpc::CallbackServerContext* context)
      : environment_(environment),
        context_(context),
        call_(MakeCall(environment, *context, "ModelStreamInfer")),
        ends_at_first_error_(ClientMetadata(*context, "triton_grpc_error") == "true") {}

  void Start() {
    if (absl::Status status = Authenticate(environment_, *context_); !status.ok()) {
      ReportFinished(environment_, *call_, nullptr, nullptr, status);
      End(status);
      return;
    }
    mutex_.Lock();
    Proceed();
  }

  void OnReadDone(bool ok) override {
    mutex_.Lock();
    reading_ = false;
    if (!ok) {
      reads_done_ = true;
      return Proceed();
    }
    Exchange* const exchange = read_into_.get();
    exchange->call = MakeExchangeCall();
    exchange->call->cancelled.store(aborted_, std::memory_order_relaxed);
    exchanges_.push_back(std::move(read_into_));
    mutex_.Unlock();
    // gRPC keeps the reactor until this reaction has returned.
    Infer(exchange);
    mutex_.Lock();
    Proceed();
  }

  void OnWriteDone(bool ok) override {
    mutex_.Lock();
    writing_ = false;
    exchanges_.pop_front();
    if (!ok) Abort(absl::CancelledError("the client went away"));
    Proceed();
  }

  void OnCancel() override {
    mutex_.Lock();
    Abort(absl::CancelledError("the client went away"));
    Proceed();
  }

  void OnDone() override {
    (void)published_.load(std::memory_order_acquire);
    delete this;
  }

 private:
  /// What to start, decided under the lock.
  struct Step {
    ByteBuffer* read = nullptr;
    const ByteBuffer* write = nullptr;
    bool end = false;
    absl::Status status;  ///< of the end
  };

  // A call of its own for one request: the id is the stream's with the request's number.
  std::shared_ptr<Call> MakeExchangeCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto call = std::make_shared<Call>();
    call->request_id = absl::StrCat(call_->request_id, "/", ++num_requests_);
    call->method = call_->method;
    call->peer = call_->peer;
    call->arrival = environment_.clock->Now();
    call->deadline = call_->deadline;
    return call;
  }

  void Infer(Exchange* exchange) {
    environment_.metrics->AddInFlight(1);
    auto ticket = environment_.gate->Admit(static_cast<int64_t>(exchange->request_bytes.Length()));
    absl::Status status = ticket.status();
    if (status.ok()) {
      exchange->ticket = *std::move(ticket);
      status =
          ParseMessage(&exchange->request_bytes, environment_.limits.max_rows, &exchange->request);
      exchange->request_bytes.Clear();
    }
    if (!status.ok()) return OnInferred(exchange, {std::move(status), nullptr, {}});
    StartModelInfer(
        environment_, exchange->call,
        {.request = &exchange->request,
         .response = exchange->reply.mutable_infer_response(),
         .ticket = &exchange->ticket},
        [this, exchange](const InferOutcome& outcome) { OnInferred(exchange, outcome); });
  }

  void OnInferred(Exchange* exchange, const InferOutcome& outcome) {
    ReportFinished(environment_, *exchange->call, outcome.model.get(), &outcome.usage,
                   outcome.status);
    environment_.metrics->AddInFlight(-1);
    exchange->status = outcome.status;
    if (!outcome.status.ok()) {
      exchange->reply.set_error_message(
          ToGrpcStatus(outcome.status, exchange->call->request_id).error_message());
    }
    const absl::Status serialized =
        SerializeMessage(exchange->reply, kMaxMessageBytes, &exchange->reply_bytes);
    if (!serialized.ok()) exchange->status = serialized;
    mutex_.Lock();
    exchange->answered = true;
    Proceed();
  }

  // No more replies: what is under way is told to stop, and waited for.
  void Abort(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (aborted_) return;
    aborted_ = true;
    end_status_ = std::move(status);
    for (const auto& exchange : exchanges_) {
      exchange->call->cancelled.store(true, std::memory_order_relaxed);
    }
  }

  Step Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Step step;
    if (ended_) return step;
    if (!aborted_ && !writing_ && !exchanges_.empty() && exchanges_.front()->answered) {
      const Exchange& front = *exchanges_.front();
      if (ends_at_first_error_ && !front.status.ok()) {
        Abort(front.status);
      } else {
        writing_ = true;
        step.write = &front.reply_bytes;
      }
    }
    while (aborted_ && !writing_ && !exchanges_.empty() && exchanges_.front()->answered) {
      exchanges_.pop_front();
    }
    const auto in_flight = static_cast<int>(exchanges_.size());
    if (!aborted_ && !reading_ && !reads_done_ &&
        in_flight < environment_.limits.max_stream_in_flight) {
      reading_ = true;
      read_into_ = std::make_unique<Exchange>();
      step.read = &read_into_->request_bytes;
    }
    if ((aborted_ || reads_done_) && exchanges_.empty()) {
      ended_ = true;
      step.end = true;
      step.status = end_status_;
    }
    return step;
  }

  // Does what comes next. Afterwards the reactor may be gone, unless the caller is a reaction.
  void Proceed() ABSL_UNLOCK_FUNCTION(mutex_) {
    const Step step = Next();
    mutex_.Unlock();
    if (step.end) return End(step.status);
    // A write that is not started yet keeps the stream from ending while the read is started.
    if (step.read != nullptr) StartRead(step.read);
    if (step.write != nullptr) StartWrite(step.write);
  }

  void End(const absl::Status& status) {
    context_->AddTrailingMetadata(kRequestIdMetadata, call_->request_id);
    published_.store(true, std::memory_order_release);
    Finish(ToGrpcStatus(status, call_->request_id));
  }

  const ServiceEnvironment& environment_;
  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<Call> call_;
  const bool ends_at_first_error_;

  Mutex mutex_;
  // In the order of the requests; the front is the one that is answered next.
  std::deque<std::unique_ptr<Exchange>> exchanges_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Exchange> read_into_ ABSL_GUARDED_BY(mutex_);
  int64_t num_requests_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool reads_done_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool aborted_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
  // As in UnaryReactor: what was written before Finish is visible in OnDone.
  std::atomic<bool> published_{false};
};

}  // namespace

grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* StartStreamInfer(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context) {
  auto* const reactor = new StreamReactor(environment, context);
  reactor->Start();
  return reactor;
}

}  // namespace attentiond
