// server/grpc/admission_gate.h -- how much work may be in the server at once, and whether it may
// still come in.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/metrics/metrics.h"

namespace attentiond {

/// Counts requests and the bytes of their messages, from admission until the reply has left.
/// Threads: every method may be called concurrently.
class AdmissionGate {
 public:
  struct Options {
    int64_t max_requests = 4096;
    int64_t max_bytes = int64_t{4} << 30;
  };

  /// A place in the server; given back when destroyed. Movable. Threads: one at a time.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();
    /// Accounts for `bytes` more, of a response that is about to be allocated.
    /// kResourceExhausted: the limit is reached; nothing was added.
    absl::Status Reserve(int64_t bytes);

   private:
    friend class AdmissionGate;
    Ticket(AdmissionGate* gate, int64_t bytes) : gate_(gate), bytes_(bytes) {}
    void Release();

    AdmissionGate* gate_ = nullptr;
    int64_t bytes_ = 0;
  };

  /// Both are borrowed. `metrics` counts what is refused.
  AdmissionGate(const Options& options, Clock* clock, Metrics* metrics)
      : options_(options), clock_(clock), metrics_(metrics) {}

  /// kUnavailable: draining. kResourceExhausted: a limit is reached.
  absl::StatusOr<Ticket> Admit(int64_t bytes);

  /// The server's models are loaded.
  void SetReady();
  /// No more tickets from now on.
  void StartDraining();
  bool draining() const;
  /// Set ready, and not draining.
  bool ready() const;
  /// Blocks until no ticket is out, or until `deadline`; true when none is.
  bool WaitUntilIdle(absl::Time deadline);

 private:
  absl::Status CheckBytes(int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status Refuse(DropReason reason, absl::Status status) const;

  const Options options_;
  Clock* const clock_;
  Metrics* const metrics_;
  mutable Mutex mutex_;
  CondVar idle_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t requests_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace attentiond
