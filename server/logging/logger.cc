#include "server/logging/logger.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>
#include <utility>

namespace attentiond {
namespace {

// Some 2 MB of preallocated slots: seconds of an access log while the reader is stuck.
constexpr size_t kMaxWaitingLines = 4096;

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::sink_ptr StderrSink() { return std::make_shared<spdlog::sinks::stderr_sink_mt>(); }

spdlog::sink_ptr StreamSink(std::ostream* out) {
  return std::make_shared<spdlog::sinks::ostream_sink_mt>(*out, /*force_flush=*/true);
}

}  // namespace

class Logger::Impl {
 public:
  Impl(LogFormat format, spdlog::sink_ptr sink)
      : writer_(std::make_shared<spdlog::details::thread_pool>(kMaxWaitingLines, /*threads_n=*/1)),
        logger_(
            std::make_shared<spdlog::async_logger>("attentiond", std::move(sink), writer_,
                                                   spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(spdlog::level::debug);
    logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        format == LogFormat::kJson ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc));
  }

  void Write(LogLevel level, const std::string& line) {
    logger_->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }

  int64_t dropped_lines() const { return static_cast<int64_t>(writer_->overrun_counter()); }

 private:
  // Destroyed in the opposite order: the logger first, then the thread pool writes what waits.
  const std::shared_ptr<spdlog::details::thread_pool> writer_;
  const std::shared_ptr<spdlog::async_logger> logger_;
};

Logger::Logger(const Options& options)
    : format_(options.format),
      level_(options.level),
      impl_(std::make_unique<Impl>(options.format, StderrSink())) {}

Logger::Logger(const Options& options, std::ostream* out)
    : format_(options.format),
      level_(options.level),
      impl_(std::make_unique<Impl>(options.format, StreamSink(out))) {}

Logger::~Logger() = default;

void Logger::Log(LogLevel level, absl::string_view message, LogFields fields) {
  if (!Enabled(level)) return;
  impl_->Write(level, format_ == LogFormat::kJson ? FormatJsonLine(message, fields)
                                                  : FormatTextLine(message, fields));
}

int64_t Logger::dropped_lines() const { return impl_->dropped_lines(); }

}  // namespace attentiond
