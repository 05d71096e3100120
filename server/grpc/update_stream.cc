#include "server/grpc/update_stream.h"

#include <utility>

#include "server/grpc/call_context.h"
#include "server/grpc/status_conversion.h"
#include "server/grpc/trace_context.h"

namespace attentiond {

UpdateStream::UpdateStream(const ServiceEnvironment& environment,
                           grpc::CallbackServerContext* context, absl::string_view method)
    : environment_(environment), context_(context), call_(MakeCall(environment, *context, method)) {
  environment_.metrics->AddInFlight(1);
  published_.store(true, std::memory_order_release);
}

absl::Status UpdateStream::Admit(size_t request_bytes) {
  if (absl::Status status = Authenticate(environment_, *context_); !status.ok()) return status;
  auto ticket = environment_.gate->Admit(static_cast<int64_t>(request_bytes));
  if (!ticket.ok()) return ticket.status();
  ticket_ = *std::move(ticket);
  return absl::OkStatus();
}

void UpdateStream::Send(grpc::ByteBuffer message) {
  {
    MutexLock lock(&mutex_);
    waiting_.push_back(std::move(message));
  }
  Proceed();
}

void UpdateStream::End(const absl::Status& status) {
  ReportFinished(environment_, *call_, model_.get(), &usage_, status);
  environment_.metrics->AddInFlight(-1);
  {
    MutexLock lock(&mutex_);
    end_ = status;
  }
  Proceed();
}

void UpdateStream::Proceed() {
  const grpc::ByteBuffer* next = nullptr;
  std::optional<absl::Status> end;
  {
    MutexLock lock(&mutex_);
    if (writing_ || finished_) return;
    if (!waiting_.empty()) {
      writing_ = true;
      next = &waiting_.front();
    } else if (end_.has_value()) {
      finished_ = true;
      end = end_;
    }
  }
  if (next != nullptr) StartWrite(next);
  if (!end.has_value()) return;
  context_->AddTrailingMetadata(kRequestIdMetadata, call_->request_id);
  if (!call_->trace.empty()) context_->AddTrailingMetadata(kTraceMetadata, call_->trace);
  grpc::Status grpc_status = ToGrpcStatus(*end, call_->request_id);
  published_.store(true, std::memory_order_release);
  Finish(std::move(grpc_status));
}

void UpdateStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    waiting_.pop_front();
    if (!ok) waiting_.clear();  // the client went away; the work is told by OnCancel
  }
  Proceed();
}

void UpdateStream::OnCancel() {
  (void)published_.load(std::memory_order_acquire);
  call_->cancelled.store(true, std::memory_order_relaxed);
}

void UpdateStream::OnDone() {
  (void)published_.load(std::memory_order_acquire);
  delete this;
}

}  // namespace attentiond
