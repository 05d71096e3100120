// Our side of scripts/bench-peers: prepares one piece of work, checks it, and times it when asked.
//
//   peer_runner [THREADS]      without THREADS: as many as the processor budget allows
//
// A line of JSON on standard input, a line of JSON in answer:
//   (at the start)            {"name": "attentiond", "threads": 2, "isa": "avx512_core_amx"}
//   {"prepare": JOB}          {"checked": "23 rows of the output with the reference"}
//   {"time": SECONDS}         {"seconds": 0.0012, "runs": 41}    the median of runs for so long
//   (what cannot be done)     {"error": "..."}
// JOB is an object of tests/benchmarks/peers/cells.py; "work" says which kind.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "core/base/status_macros.h"
#include "core/engine/model.h"
#include "core/parallel/cpu_budget.h"
#include "tests/benchmarks/peers/benchmark_job.h"

namespace attentiond::benchmarks {
namespace {

using Json = nlohmann::json;

class Runner {
 public:
  explicit Runner(int threads) : threads_(threads), context_(&threads_) {}

  Json Answer(const Json& request) {
    absl::StatusOr<Json> answer =
        request.contains("prepare") ? Prepare(request.at("prepare")) : Time(request.at("time"));
    return answer.ok() ? *std::move(answer)
                       : Json{{"error", std::string(answer.status().message())}};
  }

 private:
  absl::StatusOr<Json> Prepare(const Json& job) {
    static const auto* const makers = new std::map<std::string, decltype(&MakeAttentionJob)>{
        {"sdpa", &MakeAttentionJob},        {"encoder", &MakeEncoderJob},
        {"generation", &MakeGenerationJob}, {"linear", &MakeLinearJob},
        {"matmul", &MakeMatmulJob},         {"memory", &MakeMemoryJob}};
    job_ = nullptr;  // before the next one takes its memory
    const auto maker = makers->find(job.at("work"));
    if (maker == makers->end()) return absl::InvalidArgumentError("no such work");
    ASSIGN_OR_RETURN(std::unique_ptr<BenchmarkJob> made, maker->second(job));
    RETURN_IF_ERROR(made->Run(context_));
    ASSIGN_OR_RETURN(const std::string checked, made->Check(context_));
    job_ = std::move(made);
    return Json{{"checked", checked}};
  }

  absl::StatusOr<Json> Time(double seconds) {
    if (job_ == nullptr) return absl::FailedPreconditionError("nothing is prepared");
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<double> times;
    do {
      const auto start = Clock::now();
      RETURN_IF_ERROR(job_->Run(context_));
      times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    } while (Clock::now() < end);
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return Json{{"seconds", *middle}, {"runs", times.size()}};
  }

  ThreadPool threads_;
  ExecutionContext context_;
  std::unique_ptr<BenchmarkJob> job_;
};

int Main(int threads) {
  Runner runner(threads);
  std::cout << Json{{"name", "attentiond"}, {"threads", threads}, {"isa", DescribePlatform().isa}}
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer = runner.Answer(Json::parse(line));
    } catch (const Json::exception& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace attentiond::benchmarks

int main(int argc, char** argv) {
  const int asked = argc > 1 ? std::atoi(argv[1]) : 0;
  return attentiond::benchmarks::Main(asked > 0 ? asked : attentiond::ReadCpuBudget().threads);
}
