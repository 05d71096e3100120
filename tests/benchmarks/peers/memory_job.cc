#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/benchmarks/peers/benchmark_job.h"

namespace attentiond::benchmarks {
namespace {

class MemoryJob final : public BenchmarkJob {
 public:
  explicit MemoryJob(size_t bytes) : words_(bytes / sizeof(uint64_t)) {
    std::iota(words_.begin(), words_.end(), uint64_t{0});
  }

  absl::Status Run(ExecutionContext& context) override {
    constexpr int64_t kGrain = 1 << 15;  // words: 256 KiB
    std::vector<uint64_t> sums(static_cast<size_t>(context.threads().num_threads()), 0);
    context.threads().ParallelFor(static_cast<int64_t>(words_.size()), kGrain,
                                  [&](int64_t begin, int64_t end, int thread) {
                                    sums[static_cast<size_t>(thread)] += Sum(begin, end);
                                  });
    sum_ = std::accumulate(sums.begin(), sums.end(), uint64_t{0});
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Check(ExecutionContext& /*context*/) override {
    const uint64_t n = words_.size();
    const uint64_t expected = n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
    if (sum_ != expected) return absl::InternalError("the sum is wrong");
    return "the sum";
  }

 private:
  // As many sums as registers hold, so that additions do not wait for each other.
  uint64_t Sum(int64_t begin, int64_t end) const {
    constexpr int64_t kSums = 16;
    const uint64_t* const words = words_.data();
    uint64_t sums[kSums] = {};
    int64_t i = begin;
    for (; i + kSums <= end; i += kSums) {
      for (int64_t s = 0; s < kSums; ++s) sums[s] += words[i + s];
    }
    for (; i < end; ++i) sums[0] += words[i];
    return std::accumulate(sums, sums + kSums, uint64_t{0});
  }

  std::vector<uint64_t> words_;
  uint64_t sum_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeMemoryJob(const nlohmann::json& job) {
  return std::make_unique<MemoryJob>(job.at("bytes").get<size_t>());
}

}  // namespace attentiond::benchmarks
