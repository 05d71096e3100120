// tests/benchmarks/peers/benchmark_job.h -- one piece of work that peer_runner prepares, checks and
// times.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/ops/execution_context.h"

namespace attentiond::benchmarks {

/// Owns its operands. One thread.
class BenchmarkJob {
 public:
  virtual ~BenchmarkJob() = default;
  /// What is timed.
  virtual absl::Status Run(ExecutionContext& context) = 0;
  /// Compares what the last Run() wrote with the reference; what was compared, as a phrase.
  virtual absl::StatusOr<std::string> Check(ExecutionContext& context) = 0;
};

/// The makers read the fields of tests/benchmarks/peers/cells.py; symbols as in
/// docs/ARCHITECTURE.md. kUnimplemented: this processor or build cannot. nlohmann::json::exception:
/// a field is missing or of another type.
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeAttentionJob(const nlohmann::json& job);
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeEncoderJob(const nlohmann::json& job);
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeGenerationJob(const nlohmann::json& job);
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeLinearJob(const nlohmann::json& job);
/// oneDNN's matmul primitive: the yardstick for whatever multiplies.
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeMatmulJob(const nlohmann::json& job);
/// Reads an array with all threads: the yardstick for whatever waits for memory.
absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeMemoryJob(const nlohmann::json& job);

/// "f32", "bf16" or "int8"; kInvalidArgument otherwise.
absl::StatusOr<LoadOptions::Precision> PrecisionOf(const std::string& dtype);

}  // namespace attentiond::benchmarks
