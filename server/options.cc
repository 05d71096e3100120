#include "server/options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/flag_values.h"
#include "server/listen_address.h"

namespace attentiond {
namespace {

using Problems = std::vector<std::string>;

constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMaxCount = int64_t{1} << 24;
// gRPC counts message bytes in an int.
constexpr int64_t kMaxCacheBytes = int64_t{1} << 40;
constexpr int64_t kMinMessageBytes = 1 << 10;
constexpr int64_t kMaxMessageBytes = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxInFlightBytes = int64_t{1} << 40;
constexpr int64_t kMinMetadataBytes = 1 << 10;
constexpr int64_t kMaxMetadataBytes = 1 << 20;
// The most that JPEG can have, and what decoding it takes fits into memory that servers have.
constexpr int64_t kMaxImagePixels = int64_t{1} << 30;
constexpr absl::Duration kMaxDrainTimeout = absl::Hours(24);
constexpr absl::Duration kMaxQueueDelay = absl::Seconds(10);
constexpr absl::Duration kMaxPoll = absl::Hours(24);
// gRPC counts its milliseconds in an int.
constexpr absl::Duration kMaxConnectionTime = absl::Hours(24 * 24);

/// Names become metric labels, gRPC health names and sub-folders.
bool IsModelName(const std::string& name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                  c == '.';
         });
}

void CheckModels(const ServerOptions& options, Problems* problems) {
  for (const auto& [name, directory] : options.models) {
    if (!IsModelName(name)) {
      problems->push_back(absl::StrCat("--model: the name \"", name,
                                       "\" must have 1 to 128 letters, digits, '-', '_' or '.' and "
                                       "not start with '.'"));
    } else if (name == "attention") {
      problems->push_back(
          "--model: the name \"attention\" is the built-in model's: choose another");
    }
    if (directory.empty()) {
      problems->push_back(absl::StrCat("--model ", name, ": the directory is empty"));
    }
  }
}

void CheckAddresses(const ServerOptions& options, Problems* problems) {
  const std::pair<const char*, const std::string&> addresses[] = {
      {"--listen", options.listen},
      {"--metrics-listen", options.metrics_listen},
      {"--health-listen", options.health_listen}};
  std::map<std::string, const char*> flag_of_address;
  for (const auto& [flag, address] : addresses) {
    if (address.empty() && absl::string_view(flag) == "--health-listen") continue;
    const auto parsed = ParseListenAddress(address);
    if (!parsed.ok()) {
      problems->push_back(absl::StrCat(flag, ": ", parsed.status().message()));
    } else if (parsed->port != 0) {
      const auto [other, is_new] = flag_of_address.emplace(address, flag);
      if (!is_new) {
        problems->push_back(absl::StrCat(other->second, " and ", flag, " are both ", address,
                                         ": give each a port of its own"));
      }
    }
  }
}

void CheckTls(const ServerOptions& options, Problems* problems) {
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    problems->push_back(options.tls_cert.empty() ? "--tls-key needs --tls-cert"
                                                 : "--tls-cert needs --tls-key");
  }
  if (!options.tls_client_ca.empty() && options.tls_cert.empty()) {
    problems->push_back("--tls-client-ca needs --tls-cert and --tls-key");
  }
}

void CheckCount(const char* flag, int64_t value, int64_t min, int64_t max, Problems* problems) {
  if (value < min || value > max) {
    problems->push_back(absl::StrCat(flag, " is ", value, ": use ", min, " to ", max));
  }
}

void CheckBytes(const char* flag, int64_t value, int64_t min, int64_t max, Problems* problems) {
  if (value < min || value > max) {
    problems->push_back(absl::StrCat(flag, " is ", FormatBytes(value), ": use ", FormatBytes(min),
                                     " to ", FormatBytes(max)));
  }
}

void CheckDuration(const char* flag, absl::Duration value, absl::Duration max, Problems* problems) {
  if (value < absl::ZeroDuration() || value > max) {
    problems->push_back(absl::StrCat(flag, " is ", absl::FormatDuration(value), ": use 0 to ",
                                     absl::FormatDuration(max)));
  }
}

void CheckRepository(const ServerOptions& options, Problems* problems) {
  CheckDuration("--model-repository-poll", options.model_repository_poll, kMaxPoll, problems);
  if (options.model_repository_poll > absl::ZeroDuration() && options.model_repository.empty()) {
    problems->push_back("--model-repository-poll needs --model-repository");
  }
}

void CheckPositive(const char* flag, absl::Duration value, Problems* problems) {
  if (value < absl::Milliseconds(1) || value > kMaxConnectionTime) {
    problems->push_back(absl::StrCat(flag, " is ", absl::FormatDuration(value), ": use 1ms to ",
                                     absl::FormatDuration(kMaxConnectionTime)));
  }
}

void CheckConnections(const ServerOptions& options, Problems* problems) {
  CheckBytes("--max-metadata-bytes", options.max_metadata_bytes, kMinMetadataBytes,
             kMaxMetadataBytes, problems);
  CheckBytes("--max-in-flight-bytes", options.max_in_flight_bytes, 0, kMaxInFlightBytes, problems);
  CheckCount("--max-in-flight-requests", options.max_in_flight_requests, 1, kMaxCount, problems);
  CheckCount("--max-connections", options.max_connections, 1, kMaxCount, problems);
  CheckCount("--max-connection-calls", options.max_connection_calls, 1, kMaxCount, problems);
  CheckPositive("--max-connection-idle", options.max_connection_idle, problems);
  CheckPositive("--keepalive-time", options.keepalive_time, problems);
  CheckPositive("--keepalive-timeout", options.keepalive_timeout, problems);
}

}  // namespace

int64_t DefaultInFlightBytes(int64_t memory_limit) {
  constexpr int64_t kMost = int64_t{4} << 30;
  return memory_limit == 0 ? kMost : std::min(kMost, memory_limit / 4);
}

std::vector<std::string> Validate(const ServerOptions& options) {
  Problems problems;
  CheckModels(options, &problems);
  CheckAddresses(options, &problems);
  CheckTls(options, &problems);
  CheckCount("--threads", options.threads, 0, kMaxThreads, &problems);
  CheckCount("--max-batch-tokens", options.max_batch_tokens, 1, kMaxCount, &problems);
  CheckCount("--max-batch-requests", options.max_batch_requests, 1, kMaxCount, &problems);
  CheckCount("--max-queue-requests", options.max_queue_requests, 1, kMaxCount, &problems);
  if (options.max_message_bytes < kMinMessageBytes ||
      options.max_message_bytes > kMaxMessageBytes) {
    problems.push_back(absl::StrCat("--max-message-bytes is ",
                                    FormatBytes(options.max_message_bytes),
                                    ": use 1KiB to less than 2GiB"));
  }
  CheckBytes("--max-image-bytes", options.max_image_bytes, kMinMessageBytes, kMaxMessageBytes,
             &problems);
  CheckCount("--max-image-pixels", options.max_image_pixels, 1, kMaxImagePixels, &problems);
  CheckBytes("--kv-cache-bytes", options.kv_cache_bytes, kMinMessageBytes, kMaxCacheBytes,
             &problems);
  CheckCount("--max-new-tokens", options.max_new_tokens, 0, kMaxCount, &problems);
  CheckBytes("--cache-bytes", options.cache_bytes, 0, kMaxCacheBytes, &problems);
  CheckCount("--access-log", options.access_log, 0, int64_t{1} << 40, &problems);
  CheckRepository(options, &problems);
  CheckConnections(options, &problems);
  CheckDuration("--max-queue-delay", options.max_queue_delay, kMaxQueueDelay, &problems);
  CheckDuration("--drain-timeout", options.drain_timeout, kMaxDrainTimeout, &problems);
  return problems;
}

}  // namespace attentiond
