// server/options.h -- what the server can be told; command_line.h reads it from flags and the
// environment.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/logging/logger.h"

namespace attentiond {

/// What linear layers and attention compute in; LoadOptions::Precision says more.
enum class ComputeType : uint8_t {
  kAuto,  ///< bf16 where the processor multiplies it, when of 16 bits or 16 MiB; else f32
  kF32,
  kBF16,
  kInt8,  ///< linear layers, attention in bf16 or f32
};

struct ServerOptions {
  // Behaviour: what is served, and where.
  std::map<std::string, std::string> models;    ///< name to checkpoint directory
  std::string model_repository;                 ///< each sub-folder is a model; empty: none
  std::string listen = "0.0.0.0:8001";          ///< gRPC; port 0: any free one, here and below
  std::string metrics_listen = "0.0.0.0:8002";  ///< HTTP: /metrics, /livez, /readyz
  std::string health_listen;                    ///< plaintext gRPC with health only; empty: none

  absl::Duration model_repository_poll;  ///< how often its folder is looked at; 0: never

  // Behaviour: who may call. Files may change while the server runs.
  std::string tls_cert;         ///< PEM chain; empty: plaintext. Needs tls_key.
  std::string tls_key;          ///< PEM
  std::string tls_client_ca;    ///< PEM; callers must show a certificate signed by it
  std::string auth_token_file;  ///< one accepted bearer token a line; empty: no token is asked for
  bool enable_admin = false;    ///< models may be loaded and unloaded over gRPC

  // Behaviour: limits and the end.
  int64_t max_queue_requests = 4096;             ///< rows waiting, per model
  int64_t max_new_tokens = 0;                    ///< that a text may have; 0: as models allow
  int64_t max_message_bytes = int64_t{1} << 30;  ///< of a request and of a response
  int64_t max_metadata_bytes = 16 << 10;         ///< of a call
  int64_t max_in_flight_requests = 4096;
  int64_t max_in_flight_bytes = 0;      ///< of messages; 0: DefaultInFlightBytes()
  int64_t max_connections = 10000;      ///< of the gRPC port
  int64_t max_connection_calls = 1024;  ///< at a time
  absl::Duration max_connection_idle = absl::Minutes(30);  ///< without calls, then closed
  absl::Duration keepalive_time = absl::Minutes(1);        ///< of silence, then pinged
  absl::Duration keepalive_timeout = absl::Seconds(20);    ///< without an answer, then closed
  int64_t max_image_bytes = int64_t{20} << 20;             ///< of a PNG or JPEG file
  int64_t max_image_pixels = int64_t{64} << 20;            ///< width times height
  absl::Duration drain_timeout = absl::Seconds(30);

  // Performance.
  int64_t threads = 0;  ///< that compute; 0: what quota, cpuset and affinity leave
  ComputeType dtype = ComputeType::kAuto;
  int64_t max_batch_tokens = 16384;
  int64_t max_batch_requests = 256;                       ///< rows
  absl::Duration max_queue_delay = absl::ZeroDuration();  ///< wait for company though idle
  int64_t kv_cache_bytes = int64_t{1} << 30;  ///< of pages of keys and values, of each model
  int64_t cache_bytes = 0;                    ///< of results, all models; 0: no cache

  // What it says.
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  int64_t access_log = 0;  ///< one of so many requests is logged; 0: none
  bool check = false;  ///< load, report what would run, exit
};

/// What --max-in-flight-bytes is by itself: a quarter of `memory_limit` (0: none), at most 4 GiB.
int64_t DefaultInFlightBytes(int64_t memory_limit);

/// Everything that is wrong with `options` by themselves, one sentence each that names the flag;
/// empty: nothing. Files and ports are not touched.
std::vector<std::string> Validate(const ServerOptions& options);

}  // namespace attentiond
