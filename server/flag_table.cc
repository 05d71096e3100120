#include "server/flag_table.h"

#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "server/flag_values.h"

namespace attentiond {
namespace {

constexpr char kModels[] = "Models";
constexpr char kNetwork[] = "Network";
constexpr char kSecurity[] = "Security";
constexpr char kConnections[] = "Connections and messages";
constexpr char kBatching[] = "Batching";
constexpr char kCompute[] = "Compute";
constexpr char kLogging[] = "Logging";
constexpr char kRunning[] = "Running";

/// A flag whose field `parse` reads and `format` shows.
template <typename T, typename Parse, typename Format>
Flag Field(Flag flag, T ServerOptions::*field, Parse parse, Format format) {
  flag.set = [field, parse](absl::string_view text, ServerOptions* options) {
    ASSIGN_OR_RETURN(options->*field, parse(text));
    return absl::OkStatus();
  };
  flag.show = [field, format](const ServerOptions& options) { return format(options.*field); };
  return flag;
}

Flag Text(Flag flag, std::string ServerOptions::*field) {
  const auto parse = [](absl::string_view text) -> absl::StatusOr<std::string> {
    return std::string(text);
  };
  return Field(std::move(flag), field, parse, [](const std::string& text) { return text; });
}

Flag Count(Flag flag, int64_t ServerOptions::*field) {
  return Field(std::move(flag), field, ParseCount,
               [](int64_t count) { return absl::StrCat(count); });
}

Flag Bytes(Flag flag, int64_t ServerOptions::*field) {
  return Field(std::move(flag), field, ParseBytes, FormatBytes);
}

Flag Duration(Flag flag, absl::Duration ServerOptions::*field) {
  return Field(std::move(flag), field, ParseDurationFlag, absl::FormatDuration);
}

/// The value's help is the list of names: "text|json".
template <typename E>
Flag Choice(Flag flag, E ServerOptions::*field, std::vector<std::pair<std::string, E>> choices) {
  flag.value = absl::StrJoin(
      choices, "|", [](std::string* out, const auto& choice) { out->append(choice.first); });
  const auto parse = [choices, names = flag.value](absl::string_view text) -> absl::StatusOr<E> {
    for (const auto& [name, choice] : choices) {
      if (name == text) return choice;
    }
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not one of ", names));
  };
  const auto format = [choices](E value) -> std::string {
    for (const auto& [name, choice] : choices) {
      if (choice == value) return name;
    }
    return "";
  };
  return Field(std::move(flag), field, parse, format);
}

Flag Switch(Flag flag, bool ServerOptions::*field) {
  return Field(std::move(flag), field, ParseBool,
               [](bool value) -> std::string { return value ? "true" : "false"; });
}

Flag ModelFlag() {
  Flag flag{.name = "--model",
            .group = kModels,
            .value = "NAME=DIR",
            .help =
                "Serve the checkpoint in DIR as NAME: config.json, *.safetensors and tokenizer "
                "files as Hugging Face ships them. Repeatable; in the environment, commas "
                "separate several. The built-in model \"attention\" is always there.",
            .repeatable = true};
  flag.set = [](absl::string_view text, ServerOptions* options) {
    const size_t equals = text.find('=');
    if (equals == absl::string_view::npos || equals == 0 || equals + 1 == text.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" is not NAME=DIR, such as sentiment=/models/sentiment"));
    }
    const std::string name(text.substr(0, equals));
    if (!options->models.emplace(name, text.substr(equals + 1)).second) {
      return absl::InvalidArgumentError(absl::StrCat("the name \"", name, "\" is given twice"));
    }
    return absl::OkStatus();
  };
  flag.show = [](const ServerOptions& options) {
    return absl::StrJoin(options.models, ",", absl::PairFormatter("="));
  };
  return flag;
}

std::vector<Flag> ModelFlags() {
  return {
      ModelFlag(),
      Text({.name = "--model-repository",
            .group = kModels,
            .value = "DIR",
            .help = "Serve every sub-folder of DIR under its own name. Its models can be loaded "
                    "and unloaded over gRPC (--enable-admin)."},
           &ServerOptions::model_repository),
      Duration({.name = "--model-repository-poll",
                .group = kModels,
                .value = "DURATION",
                .help = "Look at that folder so often: load what is new or changed, a new version "
                        "beside the old until it is ready, and unload what has gone. 0: never. "
                        "SIGHUP looks at once."},
               &ServerOptions::model_repository_poll)};
}

std::vector<Flag> NetworkFlags() {
  return {
      Text({.name = "--listen",
            .group = kNetwork,
            .value = "HOST:PORT",
            .help = "gRPC: inference, health and reflection. Port 0: any free one; the log says "
                    "which."},
           &ServerOptions::listen),
      Text({.name = "--metrics-listen",
            .group = kNetwork,
            .value = "HOST:PORT",
            .help = "HTTP: /metrics for Prometheus, /livez and /readyz for probes."},
           &ServerOptions::metrics_listen),
      Text({.name = "--health-listen",
            .group = kNetwork,
            .value = "HOST:PORT",
            .help = "A second gRPC port with health only and without TLS, for kubelet's probes."},
           &ServerOptions::health_listen)};
}

std::vector<Flag> SecurityFlags() {
  return {
      Text(
          {.name = "--tls-cert",
           .group = kSecurity,
           .value = "FILE",
           .help = "PEM certificate chain of the gRPC port. Needs --tls-key. A renewed one is used "
                   "from the next connection on."},
          &ServerOptions::tls_cert),
      Text({.name = "--tls-key",
            .group = kSecurity,
            .value = "FILE",
            .help = "PEM private key of --tls-cert."},
           &ServerOptions::tls_key),
      Text({.name = "--tls-client-ca",
            .group = kSecurity,
            .value = "FILE",
            .help = "PEM certificates; clients must show a certificate that one of them signed."},
           &ServerOptions::tls_client_ca),
      Text({.name = "--auth-token-file",
            .group = kSecurity,
            .value = "FILE",
            .help = "Accepted tokens, one a line. Calls then need the metadata "
                    "\"authorization: Bearer TOKEN\". A changed file is read within a second."},
           &ServerOptions::auth_token_file),
      Switch(
          {.name = "--enable-admin",
           .group = kSecurity,
           .help = "Answer RepositoryModelLoad and RepositoryModelUnload, which are refused with "
                   "PERMISSION_DENIED otherwise."},
          &ServerOptions::enable_admin)};
}

std::vector<Flag> ConnectionFlags() {
  return {
      Count(
          {.name = "--max-connections",
           .group = kConnections,
           .value = "N",
           .help = "Most connections at once; more are closed at once. Fewer fit when the process "
                   "may open fewer files (ulimit -n)."},
          &ServerOptions::max_connections),
      Count({.name = "--max-connection-calls",
             .group = kConnections,
             .value = "N",
             .help = "Most calls of one connection at a time; more wait in the client."},
            &ServerOptions::max_connection_calls),
      Duration({.name = "--max-connection-idle",
                .group = kConnections,
                .value = "DURATION",
                .help = "A connection without calls is closed after so long; clients open it again "
                        "when they need it."},
               &ServerOptions::max_connection_idle),
      Duration({.name = "--keepalive-time",
                .group = kConnections,
                .value = "DURATION",
                .help = "A connection that is silent for so long is asked whether its client is "
                        "still there."},
               &ServerOptions::keepalive_time),
      Duration({.name = "--keepalive-timeout",
                .group = kConnections,
                .value = "DURATION",
                .help = "And closed when no answer comes for so long."},
               &ServerOptions::keepalive_timeout),
      Count({.name = "--max-in-flight-requests",
             .group = kConnections,
             .value = "N",
             .help = "Most requests that have arrived and are not answered; more are refused with "
                     "RESOURCE_EXHAUSTED."},
            &ServerOptions::max_in_flight_requests),
      Bytes({.name = "--max-in-flight-bytes",
             .group = kConnections,
             .value = "SIZE",
             .help = "Most bytes of their messages; more are refused with RESOURCE_EXHAUSTED. 0: a "
                     "quarter of the container's memory limit, at most 4GiB."},
            &ServerOptions::max_in_flight_bytes),
      Bytes({.name = "--max-message-bytes",
             .group = kConnections,
             .value = "SIZE",
             .help = "Largest request and largest response; less than 2GiB."},
            &ServerOptions::max_message_bytes),
      Bytes({.name = "--max-metadata-bytes",
             .group = kConnections,
             .value = "SIZE",
             .help = "Largest metadata of a call: its tokens, ids and trace context."},
            &ServerOptions::max_metadata_bytes),
  };
}

std::vector<Flag> BatchingFlags() {
  return {
      Count({.name = "--max-batch-tokens",
             .group = kBatching,
             .value = "N",
             .help = "Most tokens computed at once. Larger: more throughput, more memory and a "
                     "longer wait for those behind. A longer row runs alone."},
            &ServerOptions::max_batch_tokens),
      Count({.name = "--max-batch-requests",
             .group = kBatching,
             .value = "N",
             .help = "Most rows computed at once."},
            &ServerOptions::max_batch_requests),
      Count({.name = "--max-queue-requests",
             .group = kBatching,
             .value = "N",
             .help = "Most rows that may wait, per model, and so the most of one request; more "
                     "are refused with RESOURCE_EXHAUSTED."},
            &ServerOptions::max_queue_requests),
      Duration({.name = "--max-queue-delay",
                .group = kBatching,
                .value = "DURATION",
                .help = "How long a batch waits for company while the processor is free. 0: it "
                        "starts at once, and batches form while another one runs. Try 1ms to 5ms "
                        "when throughput matters more than latency."},
               &ServerOptions::max_queue_delay),
      Bytes({.name = "--cache-bytes",
             .group = kBatching,
             .value = "SIZE",
             .help = "Memory for results of text rows, to be given again when the same row comes "
                     "again. 0: none. Rows that come while the same one is in flight are computed "
                     "once in any case."},
            &ServerOptions::cache_bytes),
      Bytes({.name = "--kv-cache-bytes",
             .group = kBatching,
             .value = "SIZE",
             .help = "Memory of each model that writes text for the keys and values of what it "
                     "writes. Requests wait until theirs fit. At least what one text of the "
                     "greatest length takes."},
            &ServerOptions::kv_cache_bytes),
      Count({.name = "--max-new-tokens",
             .group = kBatching,
             .value = "N",
             .help = "Most tokens that a text may have; requests for more are refused. 0: what its "
                     "model allows."},
            &ServerOptions::max_new_tokens),
      Bytes({.name = "--max-image-bytes",
             .group = kBatching,
             .value = "SIZE",
             .help = "Largest PNG or JPEG file."},
            &ServerOptions::max_image_bytes),
      Count({.name = "--max-image-pixels",
             .group = kBatching,
             .value = "N",
             .help = "Largest picture, width times height, known before it is decoded. That takes "
                     "up to 9 bytes a pixel, of one picture for each four threads that compute."},
            &ServerOptions::max_image_pixels),
  };
}

std::vector<Flag> ComputeFlags() {
  return {
      Count({.name = "--threads",
             .group = kCompute,
             .value = "N",
             .help = "Threads that compute. 0: as many as the container's processor quota, its "
                     "cpuset and the affinity mask leave."},
            &ServerOptions::threads),
      Choice<ComputeType>(
          {.name = "--dtype",
           .group = kCompute,
           .help = "What layers compute in. auto: where the processor multiplies bf16, bf16 for a "
                   "checkpoint that is stored in 16 bits or is larger than 16 MiB; else f32. "
                   "int8: linear layers of models, quantised at run time, the rest in bf16 or f32; "
                   "refused for models that it changes."},
          &ServerOptions::dtype,
          {{"auto", ComputeType::kAuto},
           {"f32", ComputeType::kF32},
           {"bf16", ComputeType::kBF16},
           {"int8", ComputeType::kInt8}})};
}

std::vector<Flag> LoggingFlags() {
  return {
      Choice<LogFormat>({.name = "--log-format",
                         .group = kLogging,
                         .help = "Lines on standard error: key=value text, or JSON."},
                        &ServerOptions::log_format,
                        {{"text", LogFormat::kText}, {"json", LogFormat::kJson}}),
      Choice<LogLevel>({.name = "--log-level",
                        .group = kLogging,
                        .help = "The least severe lines to write. debug has a line per request."},
                       &ServerOptions::log_level,
                       {{"debug", LogLevel::kDebug},
                        {"info", LogLevel::kInfo},
                        {"warning", LogLevel::kWarning},
                        {"error", LogLevel::kError}}),
      Count({.name = "--access-log",
             .group = kLogging,
             .value = "N",
             .help = "Log one of every N requests: id, method, model, code, time, peer and trace. "
                     "1: all of them. 0: none but those that fail by a fault of the server's."},
            &ServerOptions::access_log)};
}

std::vector<Flag> RunningFlags() {
  return {
      Duration({.name = "--drain-timeout",
                .group = kRunning,
                .value = "DURATION",
                .help = "After SIGTERM or SIGINT new requests are refused and accepted ones are "
                        "finished for so long. A second signal ends the process at once."},
               &ServerOptions::drain_timeout),
      Switch({.name = "--check",
              .group = kRunning,
              .help = "Load the models, report what would run, and exit: 0 when it would start, "
                      "1 when not. The ports are not opened."},
             &ServerOptions::check)};
}

}  // namespace

std::string Flag::EnvironmentName() const {
  return absl::StrCat("ATTENTIOND_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(name.substr(2), {{"-", "_"}})));
}

const std::vector<Flag>& FlagTable() {
  static const auto* const table = [] {
    auto* flags = new std::vector<Flag>;
    for (std::vector<Flag> group :
         {ModelFlags(), NetworkFlags(), SecurityFlags(), ConnectionFlags(), BatchingFlags(),
          ComputeFlags(), LoggingFlags(), RunningFlags()}) {
      flags->insert(flags->end(), std::make_move_iterator(group.begin()),
                    std::make_move_iterator(group.end()));
    }
    return flags;
  }();
  return *table;
}

}  // namespace attentiond
