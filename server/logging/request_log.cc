#include "server/logging/request_log.h"

#include <string>
#include <vector>

namespace attentiond {
namespace {

bool IsBug(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

}  // namespace

void LogRequest(Logger* logger, const RequestRecord& record, const absl::Status& status) {
  const bool is_bug = IsBug(status.code());
  const LogLevel level =
      is_bug ? LogLevel::kError : (record.sampled ? LogLevel::kInfo : LogLevel::kDebug);
  if (!logger->Enabled(level)) return;
  const std::string code = absl::StatusCodeToString(status.code());
  std::vector<LogField> fields = {
      {"request_id", record.request_id},
      {"method", record.method},
      {"model", record.model},
      {"code", code},
      {"duration_seconds", absl::ToDoubleSeconds(record.duration)},
  };
  if (!status.ok()) fields.push_back({"error", absl::string_view(status.message())});
  if (!record.peer.empty()) fields.push_back({"peer", record.peer});
  if (!record.trace.empty()) fields.push_back({"traceparent", record.trace});
  logger->Log(level, is_bug ? "request failed" : "request", fields);
}

}  // namespace attentiond
