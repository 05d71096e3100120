#include "server/start_log.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/tensor/dtype.h"
#include "server/flag_table.h"
#include "server/flag_values.h"
#include "server/repository/task_label.h"

namespace attentiond {
namespace {

// As --dtype spells it.
absl::string_view ComputeName(DType compute) {
  return compute == DType::kI8 ? "int8" : Name(compute);
}

}  // namespace

std::string DescribeOptions(const ServerOptions& options) {
  const ServerOptions standard;
  std::vector<std::string> flags;
  for (const Flag& flag : FlagTable()) {
    const std::string value = flag.show(options);
    if (value != flag.show(standard)) flags.push_back(absl::StrCat(flag.name, "=", value));
  }
  return absl::StrJoin(flags, " ");
}

void LogStart(Logger* logger, const ServerOptions& options, const CpuBudget& budget, int threads,
              const Platform& platform) {
  logger->Info("starting", {{"version", ATTENTIOND_VERSION},
                            {"threads", threads},
                            {"cpu_affinity_cores", budget.affinity_cores},
                            {"cpu_quota_cores", budget.quota_cores},
                            {"isa", platform.isa},
                            {"onednn", platform.onednn_version},
                            {"bf16", platform.has_bf16},
                            {"kernels", absl::StrJoin(platform.kernels, ", ")},
                            {"max_batch_tokens", options.max_batch_tokens},
                            {"max_batch_requests", options.max_batch_requests},
                            {"max_queue_requests", options.max_queue_requests},
                            {"max_message_bytes", options.max_message_bytes},
                            {"flags", DescribeOptions(options)}});
  if (threads > budget.threads) {
    logger->Warning("--threads is more than this process may use at once: expect slower batches",
                    {{"threads", threads}, {"usable", budget.threads}});
  }
  if (!options.auth_token_file.empty() && options.tls_cert.empty()) {
    logger->Warning("tokens are asked for, but travel unencrypted: give --tls-cert and --tls-key");
  }
}

void LogModel(Logger* logger, const std::string& directory, const ModelInfo& info,
              absl::Duration load_duration) {
  std::vector<LogField> fields = {{"directory", directory},
                                  {"kind", TaskLabel(info.kind)},
                                  {"architecture", info.architecture},
                                  {"dtype", ComputeName(info.compute)},
                                  {"layers", info.num_layers},
                                  {"heads", info.num_heads},
                                  {"hidden_size", info.hidden_size},
                                  {"max_length", info.max_length},
                                  {"tokenizer", info.tokenizer},
                                  {"weight_bytes", info.weight_bytes},
                                  {"load_seconds", absl::ToDoubleSeconds(load_duration)}};
  if (info.int8_cosine.has_value()) fields.push_back({"int8_cosine", *info.int8_cosine});
  logger->Log(LogLevel::kInfo, "model loaded", fields);
  if (info.int8_cosine.value_or(1) < ModelInfo::kWorryingInt8Cosine) {
    logger->Warning("int8 changes what this model computes: compare its answers with --dtype bf16",
                    {{"directory", directory}, {"int8_cosine", *info.int8_cosine}});
  }
}

}  // namespace attentiond
