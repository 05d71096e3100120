#include "client/commands/progress_bar.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace attentiond::client {

std::string ProgressLine(int64_t done, int64_t total, absl::Duration elapsed,
                         const std::string& unit) {
  constexpr int64_t kWidth = 20;
  const int64_t bounded = std::clamp<int64_t>(done, 0, total);
  const auto filled = static_cast<size_t>(total == 0 ? 0 : kWidth * bounded / total);
  std::string line = absl::StrFormat("[%s%s]  %d of %d %s  %d %%", std::string(filled, '#'),
                                     std::string(kWidth - filled, '.'), done, total, unit,
                                     total == 0 ? 0 : 100 * bounded / total);
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (done > 0 && seconds > 0) {
    const double rate = static_cast<double>(done) / seconds;
    const auto left =
        absl::Ceil(absl::Seconds(static_cast<double>(total - bounded) / rate), absl::Seconds(1));
    absl::StrAppendFormat(&line, "  %.3g/s  %s left", rate, absl::FormatDuration(left));
  }
  return line;
}

ProgressBar::ProgressBar(int64_t total, std::string unit, const Console* console, Clock* clock)
    : total_(console->err_is_terminal ? total : 0),
      unit_(std::move(unit)),
      console_(*console),
      clock_(clock),
      start_(clock->Now()) {}

ProgressBar::~ProgressBar() { Hide(); }

void ProgressBar::Advance(int64_t count) {
  done_ += count;
  if (total_ == 0) return;
  *console_.err << "\r\x1b[K" << ProgressLine(done_, total_, clock_->Now() - start_, unit_)
                << std::flush;
  drawn_ = true;
}

void ProgressBar::Hide() {
  if (drawn_) *console_.err << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace attentiond::client
