// server/grpc/unary_reactor.h -- one unary RPC of any service: its Call, its place in the admission
// gate, its metrics and log line, and the reply, exactly once.
//
//   grpc::ServerUnaryReactor* Service::Classify(grpc::CallbackServerContext* context, ...) {
//     auto* reactor = new UnaryReactor(environment_, context, "Classify");
//     if (absl::Status status = reactor->Admit(request->ByteSizeLong()); !status.ok()) {
//       reactor->Reply(status);
//     } else {
//       StartWork(..., [reactor](const absl::Status& s) { reactor->Reply(s); });   // any thread
//     }
//     return reactor;
//   }
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/call_report.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// Made by a service's handler, which returns it to gRPC; deletes itself when gRPC is done.
///
/// Threads   Admit, ticket and the setters before Reply, by whoever works on the request. Reply
/// once,
///           from any thread; the request, the response and the reactor are gone after it. A client
///           that goes away sets call()->cancelled; Reply is still needed.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  /// `environment` is borrowed for as long as the server lives, `context` until Reply. `method` is
  /// the metric label: "ModelInfer".
  UnaryReactor(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
               absl::string_view method);

  const std::shared_ptr<Call>& call() const { return call_; }

  /// For RPCs that are work: takes a place in the admission gate until the reply has left. The
  /// model's statistics count them, as what SetUsage says.
  /// kUnauthenticated, kUnavailable (draining), kResourceExhausted: reply with it.
  absl::Status Admit(size_t request_bytes);
  /// For RPCs that only tell: kUnauthenticated or OK.
  absl::Status Authenticate();
  AdmissionGate::Ticket& ticket() { return ticket_; }

  /// The model whose series the RPC belongs to; without it, it counts as one that names no model.
  void SetModel(std::shared_ptr<LoadedModel> model) { model_ = std::move(model); }
  void SetUsage(const InferenceUsage& usage) { usage_ = usage; }
  /// Kept until gRPC is done with the RPC: what the work in flight points into.
  void KeepAlive(std::shared_ptr<void> state) { state_ = std::move(state); }

  /// Answers: with the response message when OK, else with the status and its details.
  void Reply(const absl::Status& status);

 private:
  void OnCancel() override;
  void OnDone() override;

  const ServiceEnvironment& environment_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<Call> call_;
  std::shared_ptr<LoadedModel> model_;
  std::shared_ptr<void> state_;
  AdmissionGate::Ticket ticket_;
  bool is_work_ = false;
  InferenceUsage usage_;
  // What one thread wrote before it went into gRPC is visible to the thread that comes out of it.
  // gRPC guarantees that already; this says it where ThreadSanitizer can see it.
  std::atomic<bool> published_{false};
};

}  // namespace attentiond
