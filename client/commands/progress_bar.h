// client/commands/progress_bar.h -- how far a long command has come, on a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "client/commands/console.h"
#include "core/base/clock.h"

namespace attentiond::client {

/// "[#########...........]  450 of 1000 lines  45 %  112/s  5s left".
std::string ProgressLine(int64_t done, int64_t total, absl::Duration elapsed,
                         const std::string& unit);

/// Draws itself over itself on console.err where that is a terminal, else never.
class ProgressBar {
 public:
  /// `total` 0: not known, and nothing is drawn. `console` and `clock` are borrowed.
  ProgressBar(int64_t total, std::string unit, const Console* console, Clock* clock);
  /// Takes it away.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Advance(int64_t count);
  /// Before something else is written to the terminal; Advance() draws it again.
  void Hide();

 private:
  const int64_t total_;
  const std::string unit_;
  const Console& console_;
  Clock* const clock_;
  const absl::Time start_;
  int64_t done_ = 0;
  bool drawn_ = false;
};

}  // namespace attentiond::client
