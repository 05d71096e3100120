// server/grpc/trace_context.h -- W3C trace context: which trace of the caller's a call belongs to.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace attentiond {

inline constexpr char kTraceMetadata[] = "traceparent";

/// The parts of `traceparent`, in lower-case hexadecimal.
struct TraceContext {
  std::string trace_id;   ///< 32 digits, not all zero
  std::string parent_id;  ///< 16 digits, not all zero: the caller's span
  std::string flags;      ///< 2 digits

  /// "00-TRACE-SPAN-FLAGS" with a span of this server's own instead of the caller's.
  std::string WithSpan(absl::string_view span_id) const;
};

/// nullopt: not as https://www.w3.org/TR/trace-context/ has it; the header is then ignored. Of later
/// versions than 00 the part that they must have in common is read.
std::optional<TraceContext> ParseTraceparent(absl::string_view header);

/// 16 random digits, not all zero. Threads: any.
std::string NewSpanId();

}  // namespace attentiond
