// server/logging/log_line.h -- a message and its fields as one line of text or JSON; pure
// functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace attentiond {

/// One key=value. Keys are lower_snake_case constants of ours, units last ("queue_delay_seconds");
/// string values are borrowed.
struct LogField {
  using Value = std::variant<absl::string_view, int64_t, double, bool>;

  template <std::integral T>
  LogField(absl::string_view field_key, T number)
      : key(field_key), value(static_cast<int64_t>(number)) {}
  LogField(absl::string_view field_key, bool flag) : key(field_key), value(flag) {}
  LogField(absl::string_view field_key, double number) : key(field_key), value(number) {}
  LogField(absl::string_view field_key, absl::string_view text) : key(field_key), value(text) {}
  // std::string and literals convert here rather than to bool.
  LogField(absl::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(absl::string_view field_key, const char* text)
      : key(field_key), value(absl::string_view(text)) {}

  absl::string_view key;
  Value value;
};

using LogFields = absl::Span<const LogField>;

/// `message key=value key="two words"`. Printable ASCII only: every other byte of the message is
/// escaped as \xNN, and a value that needs it is quoted and escaped as in JSON.
std::string FormatTextLine(absl::string_view message, LogFields fields);

/// `"message":"...","key":value}`: the end of a JSON object whose beginning (time and level) the
/// log's writer adds. Bytes that are not UTF-8 become U+FFFD; numbers that JSON lacks become null.
std::string FormatJsonLine(absl::string_view message, LogFields fields);

}  // namespace attentiond
