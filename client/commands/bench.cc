// client/commands/bench.cc -- attention-client bench: load, and how the server bears it.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/bench/load_generator.h"
#include "client/bench/report.h"
#include "client/bench/rpc_load.h"
#include "client/bench/workload.h"
#include "client/commands/commands.h"
#include "client/commands/interrupt.h"
#include "client/commands/text_source.h"
#include "client/file.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Without --rate, --concurrency callers each send their next request when the last is
answered (closed loop). With --rate, requests arrive at random moments whether or not earlier
ones are answered (open loop), and a latency counts from the moment a request was due: what a
user would have waited. Failed requests are counted by code, not tried again; latencies are
those of the others.

Examples:
  attention-client bench --task classify --model sentiment --concurrency 16 --duration 10
  attention-client bench --task classify -m sentiment --rate 200 --lengths 4:128 --json run.json
  attention-client bench --task embed -m minilm --file texts.txt --requests 10000
  attention-client bench --task attend --heads 1 --head-dim 1 --lengths 1:1 --concurrency 64)";

// Requests are made before the load starts and sent in turn.
constexpr int kPreparedTexts = 1000;
constexpr int kPreparedAttention = 32;
constexpr int64_t kMaxPreparedBytes = int64_t{1} << 30;

struct Flags {
  std::string task = "classify";
  std::string model;
  std::string file;
  std::string lengths;
  LengthRange range;
  int texts = 1;
  AttentionHeads heads;
  LoadOptions load;
  double rate = 0, warmup_seconds = 0;
  std::optional<double> duration_seconds;
  int connections = 1;
  std::string json;
};

void ParseLengths(Flags* flags) {
  flags->range = flags->task == "attend" ? LengthRange{16, 128} : LengthRange{4, 64};
  if (flags->lengths.empty()) return;
  const std::vector<std::string> parts = absl::StrSplit(flags->lengths, ':');
  constexpr int64_t kMaxLength = 100'000;
  const bool good = parts.size() <= 2 && absl::SimpleAtoi(parts.front(), &flags->range.min) &&
                    absl::SimpleAtoi(parts.back(), &flags->range.max) && flags->range.min >= 1 &&
                    flags->range.min <= flags->range.max && flags->range.max <= kMaxLength;
  if (!good) {
    throw CLI::ValidationError("--lengths", "required MIN:MAX with 1 <= MIN <= MAX <= 100000");
  }
}

absl::StatusOr<std::vector<std::string>> LoadTexts(const Flags& flags, const Console& console) {
  if (flags.file.empty()) return MixedTexts(flags.load.seed, kPreparedTexts, flags.range);
  TextSource::Options options;
  options.file = flags.file;
  ASSIGN_OR_RETURN(const std::unique_ptr<TextSource> source, TextSource::Open(options, console));
  std::vector<std::string> texts;
  int64_t bytes = 0;
  for (;;) {
    ASSIGN_OR_RETURN(TextChunk chunk, source->Next());
    if (chunk.rows.empty()) break;
    for (TextRow& row : chunk.rows) {
      bytes += static_cast<int64_t>(row.text.size());
      texts.push_back(std::move(row.text));
    }
    if (bytes > kMaxPreparedBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(flags.file, ": more text than the ", kMaxPreparedBytes, " bytes it may be"));
    }
  }
  if (texts.empty()) return absl::InvalidArgumentError(absl::StrCat(flags.file, ": has no lines"));
  return texts;
}

template <typename Request>
std::vector<LoadRequest> TextRequests(const Flags& flags, const std::vector<std::string>& texts) {
  std::vector<LoadRequest> requests;
  const auto rows = static_cast<size_t>(flags.texts);
  for (size_t first = 0; first < texts.size(); first += rows) {
    Request request;
    request.set_model(flags.model);
    request.set_truncate(true);
    // The last request is filled up from the start, so that all have as many texts.
    for (size_t row = 0; row < rows; ++row) {
      request.add_inputs()->set_text(texts[(first + row) % texts.size()]);
    }
    requests.emplace_back(std::move(request));
  }
  return requests;
}

absl::StatusOr<std::vector<LoadRequest>> MakeRequests(const Flags& flags, const Console& console) {
  if (flags.task == "attend") {
    const int64_t largest =
        3 * flags.heads.heads * flags.heads.head_dim * flags.range.max * kPreparedAttention * 4;
    if (largest > kMaxPreparedBytes) {
      return absl::InvalidArgumentError(
          "the tensors would be too large; lower --heads, --head-dim "
          "or --lengths");
    }
    std::vector<LoadRequest> requests;
    for (v1::AttendRequest& request :
         MixedAttention(flags.load.seed, kPreparedAttention, flags.range, flags.heads)) {
      requests.emplace_back(std::move(request));
    }
    return requests;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, LoadTexts(flags, console));
  return flags.task == "embed" ? TextRequests<v1::EmbedRequest>(flags, texts)
                               : TextRequests<v1::ClassifyRequest>(flags, texts);
}

// The first connection is the session's; the others are their own.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> OpenChannels(const Flags& flags,
                                                                         const Session& session) {
  std::vector<std::shared_ptr<grpc::Channel>> channels = {session.channel()};
  ChannelOptions options = session.channel_options();
  options.own_connection = true;
  while (static_cast<int>(channels.size()) < flags.connections) {
    ASSIGN_OR_RETURN(channels.emplace_back(), CreateChannel(options));
  }
  return channels;
}

// Overwrites itself on a terminal; says nothing elsewhere.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(const Console& console) : console_(console) {}
  ~ProgressPrinter() {
    if (printed_) *console_.err << "\n";
  }
  void Print(const LoadProgress& progress) {
    if (!console_.err_is_terminal) return;
    constexpr const char* kClearToEnd = "\x1b[K";
    *console_.err << "\r" << ProgressLine(progress) << kClearToEnd << std::flush;
    printed_ = true;
  }

 private:
  const Console& console_;
  bool printed_ = false;
};

absl::Status WriteJson(const Flags& flags, const LoadResult& result, const Console& console) {
  nlohmann::json json = ReportJson(result);
  json["task"] = flags.task;
  if (flags.task != "attend") json["model"] = flags.model;
  if (flags.load.rate) {
    json["rate"] = *flags.load.rate;
  } else {
    json["concurrency"] = flags.load.concurrency;
  }
  json["connections"] = flags.connections;
  json["seed"] = flags.load.seed;
  if (flags.file.empty()) json["lengths"] = {flags.range.min, flags.range.max};
  const std::string text = json.dump(2) + "\n";
  if (flags.json != "-") return WriteFile(flags.json, text);
  *console.out << text;
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  ASSIGN_OR_RETURN(const Session session, Session::Open(program.connection, console));
  ASSIGN_OR_RETURN(std::vector<LoadRequest> requests, MakeRequests(flags, console));
  ASSIGN_OR_RETURN(const auto channels, OpenChannels(flags, session));
  const RpcLoad load(channels, std::move(requests), session.caller_options(),
                     session.call_options());
  RETURN_IF_ERROR(session.Advise(load.Probe()));

  const Interrupt interrupt;
  LoadGenerator generator(
      flags.load, Clock::Real(),
      [&](int64_t index, LoadGenerator::Done done) { load.Start(index, std::move(done)); },
      &Interrupt::requested());
  ProgressPrinter printer(console);
  const LoadResult result =
      generator.Run([&](const LoadProgress& progress) { printer.Print(progress); });
  if (flags.json != "-") *console.out << FormatReport(result);
  if (!flags.json.empty()) RETURN_IF_ERROR(WriteJson(flags, result, console));
  if (result.latency.count() == 0) return absl::UnavailableError("no request succeeded");
  return absl::OkStatus();
}

void AddLoadFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Load";
  command->add_option("--concurrency", flags->load.concurrency, "closed loop: callers (default 1)")
      ->option_text("N")
      ->check(CLI::Range(1, 100000))
      ->group(kGroup);
  command->add_option("--rate", flags->rate, "open loop: requests per second")
      ->option_text("X")
      ->check(CLI::Range(0.001, 1e6))
      ->excludes("--concurrency")
      ->group(kGroup);
  command
      ->add_option("--duration", flags->duration_seconds,
                   "seconds of sending (default 10, or until --requests)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, 86400.0))
      ->group(kGroup);
  command->add_option("--requests", flags->load.max_requests, "stop after so many requests")
      ->option_text("N")
      ->check(CLI::PositiveNumber)
      ->group(kGroup);
  command->add_option("--warmup", flags->warmup_seconds, "first seconds that are not counted")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 86400.0))
      ->group(kGroup);
  command->add_option("--connections", flags->connections, "spread over so many (default 1)")
      ->option_text("N")
      ->check(CLI::Range(1, 1000))
      ->group(kGroup);
  command
      ->add_option("--max-in-flight", flags->load.max_in_flight,
                   "open loop: more wait here, and their time counts (default 10000)")
      ->option_text("N")
      ->check(CLI::PositiveNumber)
      ->group(kGroup);
  command->add_option("--seed", flags->load.seed, "of arrivals and requests (default 1)")
      ->option_text("N")
      ->group(kGroup);
}

void AddRequestFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Requests";
  command->add_option("--task", flags->task, "attend, classify (default) or embed")
      ->option_text("TASK")
      ->check(CLI::IsMember({"attend", "classify", "embed"}))
      ->group(kGroup);
  command->add_option("-m,--model", flags->model, "model to classify or embed with")
      ->option_text("NAME")
      ->group(kGroup);
  command
      ->add_option("--lengths", flags->lengths,
                   "words (4:64) or positions (16:128) of the requests, mixed")
      ->option_text("MIN:MAX")
      ->group(kGroup);
  command->add_option("-f,--file", flags->file, "take the texts from the lines of FILE instead")
      ->option_text("FILE")
      ->group(kGroup);
  command->add_option("--texts", flags->texts, "texts in a request (default 1)")
      ->option_text("N")
      ->check(CLI::Range(1, 4096))
      ->group(kGroup);
  command->add_option("--heads", flags->heads.heads, "of attend (default 8)")
      ->option_text("N")
      ->check(CLI::Range(1, 1024))
      ->group(kGroup);
  command->add_option("--head-dim", flags->heads.head_dim, "of attend (default 64)")
      ->option_text("N")
      ->check(CLI::Range(1, 4096))
      ->group(kGroup);
}

}  // namespace

void AddBenchCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("bench", "Generate load, report latencies and throughput", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddRequestFlags(command, flags.get());
  AddLoadFlags(command, flags.get());
  command->add_option("--json", flags->json, "write the result to FILE; -: to standard output")
      ->option_text("FILE")
      ->group("Output");
  command->callback([=] {
    ParseLengths(flags.get());
    if (flags->rate > 0) flags->load.rate = flags->rate;
    const bool counted = flags->load.max_requests != LoadOptions().max_requests;
    constexpr double kDefaultSeconds = 10, kDaySeconds = 86400;
    flags->load.duration =
        absl::Seconds(flags->duration_seconds.value_or(counted ? kDaySeconds : kDefaultSeconds));
    flags->load.warmup = absl::Seconds(flags->warmup_seconds);
    if (flags->load.warmup >= flags->load.duration) {
      throw CLI::ValidationError("--warmup", "must be shorter than --duration");
    }
    program->run = [=] { return Run(*flags, *program); };
  });
}

}  // namespace attentiond::client
