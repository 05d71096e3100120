#include "server/logging/logger.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "core/base/mutex.h"

namespace attentiond {
namespace {

// Some 2 MB of preallocated slots: seconds of an access log while the reader is stuck.
constexpr size_t kMaxWaitingLines = 4096;

// A reader that is stuck does not keep the process from ending.
constexpr absl::Duration kFlushTimeout = absl::Seconds(1);

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

/// Passes everything on, and lets others wait until a flush has come through.
class FlushSink final : public spdlog::sinks::sink {
 public:
  explicit FlushSink(spdlog::sink_ptr next) : next_(std::move(next)) {}

  void log(const spdlog::details::log_msg& message) override { next_->log(message); }
  void flush() override {
    next_->flush();
    MutexLock lock(&mutex_);
    ++flushes_;
    flushed_.SignalAll();
  }
  void set_pattern(const std::string& pattern) override { next_->set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    next_->set_formatter(std::move(formatter));
  }

  int64_t flushes() {
    MutexLock lock(&mutex_);
    return flushes_;
  }
  void WaitForFlush(int64_t flushes, absl::Duration timeout) {
    MutexLock lock(&mutex_);
    while (flushes_ < flushes && !flushed_.WaitFor(&mutex_, timeout)) {
    }
  }

 private:
  const spdlog::sink_ptr next_;
  Mutex mutex_;
  CondVar flushed_;
  int64_t flushes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

class Logger::Impl {
 public:
  Impl(LogFormat format, spdlog::sink_ptr sink)
      : sink_(std::make_shared<FlushSink>(std::move(sink))),
        writer_(std::make_shared<spdlog::details::thread_pool>(kMaxWaitingLines, /*threads_n=*/1)),
        logger_(std::make_shared<spdlog::async_logger>(
            "attentiond", sink_, writer_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(spdlog::level::debug);
    logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        format == LogFormat::kJson ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc));
  }

  void Write(LogLevel level, const std::string& line) {
    logger_->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }

  void Flush() {
    const int64_t before = sink_->flushes();
    logger_->flush();
    sink_->WaitForFlush(before + 1, kFlushTimeout);
  }

  int64_t dropped_lines() const { return static_cast<int64_t>(writer_->overrun_counter()); }

 private:
  const std::shared_ptr<FlushSink> sink_;
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

void Logger::Flush() { impl_->Flush(); }

int64_t Logger::dropped_lines() const { return impl_->dropped_lines(); }

}  // namespace attentiond
