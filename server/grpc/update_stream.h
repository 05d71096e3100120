// server/grpc/update_stream.h -- one RPC that answers with a stream of messages: its Call, its
// place in the admission gate, its metrics and log line, the messages in order, and the end,
// exactly once.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/mutex.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/call_report.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// Made by a service's handler, which returns it to gRPC; deletes itself when gRPC is done.
///
/// Threads   Admit and the setters before End, by whoever works on the request. Send and End by one
///           thread at a time; neither blocks: messages wait here for a client that reads slowly.
///           After End the stream may be gone.
class UpdateStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  /// As UnaryReactor.
  UpdateStream(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
               absl::string_view method);

  const std::shared_ptr<Call>& call() const { return call_; }
  const ServiceEnvironment& environment() const { return environment_; }
  absl::Status Admit(size_t request_bytes);
  void SetModel(std::shared_ptr<LoadedModel> model) { model_ = std::move(model); }
  void SetUsage(const InferenceUsage& usage) { usage_ = usage; }

  void Send(grpc::ByteBuffer message);
  /// What was sent is written first, then the stream ends with `status`.
  void End(const absl::Status& status);

 private:
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Starts the next write, or the end; without the lock.
  void Proceed();

  const ServiceEnvironment& environment_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<Call> call_;
  std::shared_ptr<LoadedModel> model_;
  AdmissionGate::Ticket ticket_;
  InferenceUsage usage_;

  Mutex mutex_;
  std::deque<grpc::ByteBuffer> waiting_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> published_{false};  // as UnaryReactor's
};

}  // namespace attentiond
