// server/inference/call.h -- what the server knows of one call, whatever surface it came in by.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"

namespace attentiond {

/// Where a call's time went and what it cost; filled while it runs, read when it is done.
struct CallTiming {
  absl::Duration queue;  ///< longest wait of its rows
  absl::Duration tokenize;
  absl::Duration compute;  ///< sum over the batches that its rows were part of
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;  ///< that were written
  int64_t batches = 0;
};

/// Shared by the transport and the work in flight. `cancelled` may be set from any thread;
/// everything else is set before the call is handed on.
struct Call {
  std::string request_id;  ///< the client's x-request-id, or made here; in logs and INTERNAL errors
  std::string trace;       ///< W3C traceparent with a span of this call's own; empty: not traced
  std::string method;      ///< "ModelInfer", "Classify", ...: the metric label
  std::string peer;        ///< "ipv4:127.0.0.1:41234"; for logs
  uint64_t client = 0;     ///< who calls: calls of one client share its turns
  absl::Time arrival;
  absl::Time deadline = absl::InfiniteFuture();
  std::atomic<bool> cancelled{false};
};

}  // namespace attentiond
