#include "client/bench/arrivals.h"

#include <cmath>

namespace attentiond::client {

absl::Duration PoissonArrivals::Next() {
  // Not std::exponential_distribution, whose numbers differ between standard libraries. 53 random
  // bits give a uniform number in [0, 1), and 1 - u is never 0.
  const double uniform = static_cast<double>(generator_() >> 11) * 0x1p-53;
  seconds_ += -std::log1p(-uniform) / rate_;
  return absl::Seconds(seconds_);
}

}  // namespace attentiond::client
