#include "server/logging/log_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace attentiond {
namespace {

/// A JSON string of printable ASCII: safe in a terminal and in a line-oriented log.
std::string Quote(absl::string_view text) {
  const nlohmann::json json = std::string(text);
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/true,
                   nlohmann::json::error_handler_t::replace);
}

bool NeedsQuotes(absl::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
           return !absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '"' || c == '=' ||
                  c == '\\';
         });
}

void AppendPrintable(std::string* line, absl::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isprint(byte)) {
      line->push_back(c);
    } else {
      absl::StrAppendFormat(line, "\\x%02x", byte);
    }
  }
}

struct AppendTextValue {
  std::string* line;

  void operator()(absl::string_view text) const {
    absl::StrAppend(line, NeedsQuotes(text) ? Quote(text) : std::string(text));
  }
  void operator()(bool flag) const { absl::StrAppend(line, flag ? "true" : "false"); }
  template <typename Number>
  void operator()(Number number) const {
    absl::StrAppend(line, number);
  }
};

struct JsonValue {
  nlohmann::ordered_json operator()(absl::string_view text) const { return std::string(text); }
  template <typename Scalar>
  nlohmann::ordered_json operator()(Scalar scalar) const {
    return scalar;
  }
};

}  // namespace

std::string FormatTextLine(absl::string_view message, LogFields fields) {
  std::string line;
  AppendPrintable(&line, message);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    std::visit(AppendTextValue{&line}, field.value);
  }
  return line;
}

std::string FormatJsonLine(absl::string_view message, LogFields fields) {
  nlohmann::ordered_json object;
  object["message"] = std::string(message);
  for (const LogField& field : fields) {
    object[std::string(field.key)] = std::visit(JsonValue{}, field.value);
  }
  return object
      .dump(/*indent=*/-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace)
      .substr(1);
}

}  // namespace attentiond
