// Requests that arrive at random times: how long each takes when sequences join the running batch
// between steps, and when a batch must end before the next begins; then either all of a batch are
// answered when it ends, as by transformers' generate(), or each when its own tokens are done.
//
//   generation_arrivals MODEL_DIRECTORY [REQUESTS] [LOAD] [ROUNDS]
//
// MODEL_DIRECTORY is a translation checkpoint (tests/benchmarks/random_marian.py makes one).
// Sources have 24 tokens, targets 4 to 60, all lengths equally likely; the times between arrivals
// are exponential, at LOAD (0.6) of the rate at which a full running batch is done. All ways see
// the same requests at the same times, one after the other in each of ROUNDS (3). Prints the
// medians of the mean times and of the ratios.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "core/parallel/cpu_budget.h"

namespace attentiond::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMostTogether = 32;
constexpr int64_t kShortest = 4, kLongest = 60;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Request {
  double arrival = 0;  // seconds after the start
  GenerationInput input;
};

enum class Way { kJoining, kBatches, kBatchesTogether };

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class Simulation {
 public:
  Simulation(const TextGenerator& generator, ExecutionContext& context)
      : generation_(generator.NewGeneration(int64_t{1} << 30)), context_(context) {}

  /// The seconds that all take when as many as may run together.
  double Saturate(const std::vector<Request>& requests) {
    const Clock::time_point start = Clock::now();
    size_t next = 0;
    Drive([&] {
      while (next < requests.size() && Running() < kMostTogether) Join(requests, next++);
      return next < requests.size();
    });
    return SecondsSince(start);
  }

  /// The mean time from a request's arrival to its answer.
  double MeanTime(const std::vector<Request>& requests, Way way) {
    const Clock::time_point start = Clock::now();
    size_t next = 0;
    double sum = 0;
    std::vector<int64_t> unanswered;
    on_end_ = [&](int64_t key) {
      unanswered.push_back(key);
      if (way == Way::kBatchesTogether && Running() > 0) return;
      const double now = SecondsSince(start);
      for (const int64_t done : unanswered)
        sum += now - requests[static_cast<size_t>(done)].arrival;
      unanswered.clear();
    };
    Drive([&] {
      while (next < requests.size() && Running() == 0 &&
             SecondsSince(start) < requests[next].arrival) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      const bool may_join = way == Way::kJoining || Running() == 0;
      while (may_join && next < requests.size() && Running() < kMostTogether &&
             requests[next].arrival <= SecondsSince(start)) {
        Join(requests, next++);
      }
      return next < requests.size();
    });
    on_end_ = [](int64_t) {};
    return sum / static_cast<double>(requests.size());
  }

 private:
  size_t Running() const { return static_cast<size_t>(generation_->num_sequences()); }
  void Join(const std::vector<Request>& requests, size_t index) {
    generation_->Add(static_cast<int64_t>(index), requests[index].input);
  }

  /// Steps until nothing runs and `join`, called before each step, says that nothing is to come.
  void Drive(const std::function<bool()>& join) {
    while (join() || Running() > 0) {
      GenerationStep step;
      const absl::Status status = generation_->Step(context_, &step);
      if (!status.ok()) {
        std::cerr << status << "\n";
        std::exit(1);
      }
      for (const auto& [key, result] : step.finished) on_end_(key);
    }
  }

  const std::unique_ptr<Generation> generation_;
  ExecutionContext& context_;
  std::function<void(int64_t key)> on_end_ = [](int64_t) {};
};

std::vector<Request> MakeRequests(const Model& model, size_t count) {
  std::mt19937 engine(1);
  std::vector<Request> requests(count);
  for (Request& request : requests) {
    for (int t = 0; t < 24; ++t) {
      request.input.source_ids.push_back(
          static_cast<int32_t>(2 + engine() % static_cast<unsigned>(model.info().vocab_size - 3)));
    }
    request.input.options = model.AsTextGenerator()->default_options();
    request.input.options.num_beams = 1;
    const auto length = kShortest + static_cast<int64_t>(engine() % (kLongest - kShortest + 1));
    request.input.options.min_new_tokens = request.input.options.max_new_tokens = length;
  }
  return requests;
}

int Main(const std::string& directory, size_t count, double load, int rounds) {
  auto model = LoadModel(directory, {});
  if (!model.ok() || (*model)->AsTextGenerator() == nullptr) {
    std::cerr << directory << ": " << model.status() << "\n";
    return 1;
  }
  ThreadPool threads(ReadCpuBudget().threads);
  ExecutionContext context(&threads);
  std::vector<Request> requests = MakeRequests(**model, count);
  Simulation simulation(*(*model)->AsTextGenerator(), context);
  simulation.Saturate(requests);
  const double capacity = static_cast<double>(count) / simulation.Saturate(requests);
  std::mt19937 engine(2);
  std::exponential_distribution<double> between(load * capacity);
  double now = 0;
  for (Request& request : requests) request.arrival = now += between(engine);
  std::vector<double> joining, batches, together, to_batches, to_together;
  for (int round = 0; round < rounds; ++round) {
    joining.push_back(simulation.MeanTime(requests, Way::kJoining));
    batches.push_back(simulation.MeanTime(requests, Way::kBatches));
    together.push_back(simulation.MeanTime(requests, Way::kBatchesTogether));
    to_batches.push_back(joining.back() / batches.back());
    to_together.push_back(joining.back() / together.back());
  }
  std::cout << count << " requests at " << load << " of " << capacity << " a second, mean times\n"
            << "joining between steps:              " << Median(joining) << " s\n"
            << "batch after batch, answered at end: " << Median(together) << " s, ratio "
            << Median(to_together) << "\n"
            << "the same, answered one by one:      " << Median(batches) << " s, ratio "
            << Median(to_batches) << "\n";
  return 0;
}

}  // namespace
}  // namespace attentiond::benchmarks

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "generation_arrivals MODEL_DIRECTORY [REQUESTS] [LOAD] [ROUNDS]\n";
    return 64;
  }
  const int count = argc > 2 ? std::atoi(argv[2]) : 300;
  const double load = argc > 3 ? std::atof(argv[3]) : 0.6;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 3;
  return attentiond::benchmarks::Main(argv[1], static_cast<size_t>(std::max(1, count)), load,
                                      std::max(1, rounds));
}
