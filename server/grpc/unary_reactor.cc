// server/grpc/unary_reactor.cc -- the life of a unary RPC.
#include "server/grpc/unary_reactor.h"

#include <utility>

#include "server/grpc/call_context.h"
#include "server/grpc/status_conversion.h"
#include "server/grpc/trace_context.h"

namespace attentiond {

UnaryReactor::UnaryReactor(const ServiceEnvironment& environment,
                           grpc::CallbackServerContext* context, absl::string_view method)
    : environment_(environment), context_(context), call_(MakeCall(environment, *context, method)) {
  environment_.metrics->AddInFlight(1);
  published_.store(true, std::memory_order_release);
}

absl::Status UnaryReactor::Authenticate() {
  return attentiond::Authenticate(environment_, *context_);
}

absl::Status UnaryReactor::Admit(size_t request_bytes) {
  is_work_ = true;
  if (absl::Status status = Authenticate(); !status.ok()) return status;
  auto ticket = environment_.gate->Admit(static_cast<int64_t>(request_bytes));
  if (!ticket.ok()) return ticket.status();
  ticket_ = *std::move(ticket);
  return absl::OkStatus();
}

void UnaryReactor::Reply(const absl::Status& status) {
  ReportFinished(environment_, *call_, model_.get(), is_work_ ? &usage_ : nullptr, status);
  environment_.metrics->AddInFlight(-1);
  context_->AddTrailingMetadata(kRequestIdMetadata, call_->request_id);
  if (!call_->trace.empty()) context_->AddTrailingMetadata(kTraceMetadata, call_->trace);
  grpc::Status grpc_status = ToGrpcStatus(status, call_->request_id);
  published_.store(true, std::memory_order_release);
  Finish(std::move(grpc_status));
}

void UnaryReactor::OnCancel() {
  (void)published_.load(std::memory_order_acquire);
  call_->cancelled.store(true, std::memory_order_relaxed);
}

void UnaryReactor::OnDone() {
  (void)published_.load(std::memory_order_acquire);
  delete this;
}

}  // namespace attentiond
