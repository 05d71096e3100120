// tests/benchmarks/alternation.h -- two ways of doing a thing, timed alternately, so that what else
// the machine does meets both.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace attentiond::testing {

struct Contender {
  std::string name;
  double flop = 0;  ///< of one run
  std::function<void()> run;
};

/// Runs both until the benchmark has enough of it (its time is the first one's, UseManualTime);
/// counters: each one's median rate under its name, and "ratio", the first one's rate in terms of
/// the second's.
inline void Alternate(benchmark::State& state, const Contender& first, const Contender& second) {
  const auto seconds = [](const Contender& contender) {
    const auto start = std::chrono::steady_clock::now();
    contender.run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::vector<double> times[2];
  for (auto unused : state) {
    times[0].push_back(seconds(first));
    times[1].push_back(seconds(second));
    state.SetIterationTime(times[0].back());
  }
  const auto rate = [](const Contender& contender, std::vector<double>& seconds_each) {
    const auto middle = seconds_each.begin() + static_cast<std::ptrdiff_t>(seconds_each.size() / 2);
    std::nth_element(seconds_each.begin(), middle, seconds_each.end());
    return contender.flop / *middle;
  };
  const double first_rate = rate(first, times[0]), second_rate = rate(second, times[1]);
  state.counters[first.name] = first_rate;
  state.counters[second.name] = second_rate;
  state.counters["ratio"] = first_rate / second_rate;
}

}  // namespace attentiond::testing
