#include "server/logging/request_log.h"

#include <iterator>
#include <string>

namespace attentiond {
namespace {

bool IsBug(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

}  // namespace

void LogRequest(Logger* logger, const RequestRecord& record, const absl::Status& status) {
  const bool is_bug = IsBug(status.code());
  const LogLevel level = is_bug ? LogLevel::kError : LogLevel::kDebug;
  if (!logger->Enabled(level)) return;
  const std::string code = absl::StatusCodeToString(status.code());
  const LogField fields[] = {
      {"request_id", record.request_id},
      {"method", record.method},
      {"model", record.model},
      {"code", code},
      {"duration_seconds", absl::ToDoubleSeconds(record.duration)},
      {"error", absl::string_view(status.message())},
  };
  const size_t num_fields = std::size(fields) - (status.ok() ? 1 : 0);
  logger->Log(level, is_bug ? "request failed" : "request", LogFields(fields, num_fields));
}

}  // namespace attentiond
