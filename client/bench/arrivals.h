// client/bench/arrivals.h -- when requests of an open-loop load arrive.
#pragma once

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace attentiond::client {

/// A Poisson process: independent, exponentially distributed gaps, as many users who know nothing
/// of each other make them. The same seed gives the same arrivals on every machine.
class PoissonArrivals {
 public:
  /// `rate`: arrivals per second, > 0.
  PoissonArrivals(double rate, uint64_t seed) : rate_(rate), generator_(seed) {}

  /// Time of the next arrival since the start; never decreases.
  absl::Duration Next();

 private:
  const double rate_;
  std::mt19937_64 generator_;
  double seconds_ = 0;
};

}  // namespace attentiond::client
