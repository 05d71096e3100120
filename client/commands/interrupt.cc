#include "client/commands/interrupt.h"

namespace attentiond::client {
namespace {

std::atomic<bool> interrupt_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

void OnSignal(int /*signal*/) { interrupt_requested.store(true, std::memory_order_relaxed); }

}  // namespace

Interrupt::Interrupt() {
  interrupt_requested.store(false);
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  // The second signal finds the default again.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &action, &previous_int_);
  sigaction(SIGTERM, &action, &previous_term_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &previous_int_, nullptr);
  sigaction(SIGTERM, &previous_term_, nullptr);
}

const std::atomic<bool>& Interrupt::requested() { return interrupt_requested; }

}  // namespace attentiond::client
