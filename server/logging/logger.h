// server/logging/logger.h -- levelled lines with key=value fields, as text or JSON, written by a
// thread of their own.
//
//   logger->Info("model loaded", {{"model", name}, {"seconds", absl::ToDoubleSeconds(took)}});
//
// A line that is below the level costs one comparison. Lines queue for a writer thread; when the
// reader of the log is slower than its writers, the oldest waiting lines are dropped and counted:
// nothing that logs ever waits for the log.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <ostream>

#include "absl/strings/string_view.h"
#include "server/logging/log_line.h"

namespace attentiond {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

enum class LogFormat : uint8_t {
  kText,  ///< 2025-01-31T12:00:00.000Z info message key=value key="two words"
  kJson,  ///< {"time":"...","level":"info","message":"...","key":"value"}
};

/// Threads: every method may be called concurrently. Never throws.
class Logger {
 public:
  struct Options {
    LogFormat format = LogFormat::kText;
    LogLevel level = LogLevel::kInfo;
  };
  /// Writes to standard error.
  explicit Logger(const Options& options);
  /// Writes to `out`, which must outlive the logger.
  Logger(const Options& options, std::ostream* out);
  /// Writes what still waits.
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool Enabled(LogLevel level) const { return level >= level_; }

  /// `message` and the fields are copied before it returns. Control characters, in them too, cannot
  /// start a new line or a new field.
  void Log(LogLevel level, absl::string_view message, LogFields fields = {});

  void Debug(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warning(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kWarning, message, fields);
  }
  void Error(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kError, message, fields);
  }

  /// Blocks until what was logged before is written, or for a second: for a process that is about
  /// to end without destroying its objects.
  void Flush();

  /// Lines dropped because the reader was too slow.
  int64_t dropped_lines() const;

 private:
  class Impl;
  const LogFormat format_;
  const LogLevel level_;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
