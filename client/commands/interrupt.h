// client/commands/interrupt.h -- Ctrl-C as a wish to finish early, for commands that have something
// to say at the end.
#pragma once

#include <atomic>
#include <csignal>

namespace attentiond::client {

/// While it lives, the first SIGINT or SIGTERM only sets requested(); a second one ends the process
/// as usual. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static const std::atomic<bool>& requested();

 private:
  struct sigaction previous_int_ = {}, previous_term_ = {};
};

}  // namespace attentiond::client
