#include "server/grpc/trace_context.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

constexpr size_t kLength = 55;  // 2 + 1 + 32 + 1 + 16 + 1 + 2

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
  });
}

bool IsZero(absl::string_view digits) {
  return digits.find_first_not_of('0') == absl::string_view::npos;
}

}  // namespace

std::string TraceContext::WithSpan(absl::string_view span_id) const {
  return absl::StrCat("00-", trace_id, "-", span_id, "-", flags);
}

std::optional<TraceContext> ParseTraceparent(absl::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return std::nullopt;
  }
  const absl::string_view version = header.substr(0, 2), trace = header.substr(3, 32),
                          parent = header.substr(36, 16), flags = header.substr(53, 2);
  const bool hex =
      IsLowerHex(version) && IsLowerHex(trace) && IsLowerHex(parent) && IsLowerHex(flags);
  const bool ends_well =
      header.size() == kLength || (version != "00" && header[kLength] == '-');
  if (!hex || !ends_well || version == "ff" || IsZero(trace) || IsZero(parent)) {
    return std::nullopt;
  }
  return TraceContext{std::string(trace), std::string(parent), std::string(flags)};
}

std::string NewSpanId() {
  thread_local absl::BitGen generator;
  const auto number = absl::Uniform<uint64_t>(absl::IntervalClosed, generator, 1, UINT64_MAX);
  return absl::StrCat(absl::Hex(number, absl::kZeroPad16));
}

}  // namespace attentiond
