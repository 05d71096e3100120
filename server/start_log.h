// server/start_log.h -- what the log says once, at the start: on what the server runs, and what it
// loaded.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "core/engine/model.h"
#include "core/parallel/cpu_budget.h"
#include "server/logging/logger.h"
#include "server/options.h"

namespace attentiond {

/// "starting": version, threads and why so many, instruction set, oneDNN, kernels, limits, and the
/// flags that are not at their defaults.
void LogStart(Logger* logger, const ServerOptions& options, const CpuBudget& budget, int threads,
              const Platform& platform);

/// "model loaded": what it is, what it computes in, what it takes.
void LogModel(Logger* logger, const std::string& directory, const ModelInfo& info,
              absl::Duration load_duration);

/// "--threads=2 --dtype=f32": the options that are not at their defaults; several models are
/// separated by commas.
std::string DescribeOptions(const ServerOptions& options);

}  // namespace attentiond
