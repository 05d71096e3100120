// server/grpc/admission_gate.cc -- counting requests and bytes in flight.
#include "server/grpc/admission_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {

AdmissionGate::Ticket::Ticket(Ticket&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

AdmissionGate::Ticket& AdmissionGate::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  Release();
  gate_ = std::exchange(other.gate_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

AdmissionGate::Ticket::~Ticket() { Release(); }

void AdmissionGate::Ticket::Release() {
  if (gate_ == nullptr) return;
  AdmissionGate* const gate = std::exchange(gate_, nullptr);
  MutexLock lock(&gate->mutex_);
  gate->bytes_ -= bytes_;
  // Signalled under the lock: the gate may be destroyed as soon as the waiter runs.
  if (--gate->requests_ == 0) gate->idle_.SignalAll();
}

absl::Status AdmissionGate::Ticket::Reserve(int64_t bytes) {
  if (gate_ == nullptr) return absl::OkStatus();
  MutexLock lock(&gate_->mutex_);
  RETURN_IF_ERROR(gate_->CheckBytes(bytes));
  gate_->bytes_ += bytes;
  bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status AdmissionGate::CheckBytes(int64_t bytes) const {
  if (bytes <= options_.max_bytes - bytes_) return absl::OkStatus();
  return Refuse(DropReason::kQueueFull, absl::ResourceExhaustedError(absl::StrCat(
                                            "messages of ", bytes_, " bytes are in flight, ", bytes,
                                            " more would pass the limit of ", options_.max_bytes)));
}

absl::Status AdmissionGate::Refuse(DropReason reason, absl::Status status) const {
  metrics_->ObserveRefusal(reason);
  return status;
}

absl::StatusOr<AdmissionGate::Ticket> AdmissionGate::Admit(int64_t bytes) {
  MutexLock lock(&mutex_);
  if (draining_) {
    return Refuse(DropReason::kShutDown,
                  absl::UnavailableError("draining: the server accepts no new work"));
  }
  if (requests_ >= options_.max_requests) {
    return Refuse(DropReason::kQueueFull,
                  absl::ResourceExhaustedError(absl::StrCat(
                      requests_, " requests are in flight, the limit is ", options_.max_requests)));
  }
  RETURN_IF_ERROR(CheckBytes(bytes));
  ++requests_;
  bytes_ += bytes;
  return Ticket(this, bytes);
}

void AdmissionGate::SetReady() {
  MutexLock lock(&mutex_);
  ready_ = true;
}

bool AdmissionGate::ready() const {
  MutexLock lock(&mutex_);
  return ready_ && !draining_;
}

void AdmissionGate::StartDraining() {
  MutexLock lock(&mutex_);
  draining_ = true;
}

bool AdmissionGate::draining() const {
  MutexLock lock(&mutex_);
  return draining_;
}

bool AdmissionGate::WaitUntilIdle(absl::Time deadline) {
  MutexLock lock(&mutex_);
  while (requests_ > 0 && clock_->Now() < deadline) clock_->WaitUntil(&idle_, &mutex_, deadline);
  return requests_ == 0;
}

}  // namespace attentiond
