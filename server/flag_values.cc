#include "server/flag_values.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

struct ByteUnit {
  absl::string_view name;
  int64_t bytes;
};
constexpr ByteUnit kByteUnits[] = {{"GiB", int64_t{1} << 30},
                                   {"MiB", int64_t{1} << 20},
                                   {"KiB", int64_t{1} << 10},
                                   {"B", 1},
                                   {"Gi", int64_t{1} << 30},
                                   {"Mi", int64_t{1} << 20},
                                   {"Ki", int64_t{1} << 10},
                                   {"GB", 1'000'000'000},
                                   {"MB", 1'000'000},
                                   {"kB", 1'000},
                                   {"KB", 1'000},
                                   {"", 1}};

absl::Status Invalid(absl::string_view text, absl::string_view required) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not ", required));
}

/// Whole numbers without a sign: absl's parser would take "+1" and spaces.
bool ParseDigits(absl::string_view text, int64_t* number) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  }) && absl::SimpleAtoi(text, number);
}

}  // namespace

absl::StatusOr<int64_t> ParseCount(absl::string_view text) {
  int64_t number = 0;
  if (!ParseDigits(text, &number)) return Invalid(text, "a whole number such as 256");
  return number;
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  for (const ByteUnit& unit : kByteUnits) {
    if (text.substr(digits) != unit.name) continue;
    if (!ParseDigits(text.substr(0, digits), &number)) break;
    if (number > INT64_MAX / unit.bytes) break;
    return number * unit.bytes;
  }
  return Invalid(text, "a size such as 64MiB, 1GiB or a number of bytes");
}

std::string FormatBytes(int64_t bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0) {
      return absl::StrCat(bytes / unit.bytes, unit.name);
    }
  }
  return absl::StrCat(bytes, "B");
}

absl::StatusOr<absl::Duration> ParseDurationFlag(absl::string_view text) {
  absl::Duration duration;
  const bool starts_with_digit =
      !text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text.front()));
  double seconds = 0;
  const bool plain_number = text.find_first_not_of("0123456789.") == absl::string_view::npos &&
                            absl::SimpleAtod(text, &seconds);
  if (plain_number) duration = absl::Seconds(seconds);
  if (!starts_with_digit || (!plain_number && !absl::ParseDuration(text, &duration)) ||
      duration == absl::InfiniteDuration()) {
    return Invalid(text, "a duration such as 30s, 5ms or 1m30s");
  }
  return duration;
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  for (const absl::string_view yes : {"true", "1", "yes", "on"}) {
    if (lower == yes) return true;
  }
  for (const absl::string_view no : {"false", "0", "no", "off"}) {
    if (lower == no) return false;
  }
  return Invalid(text, "true or false");
}

}  // namespace attentiond
