// server/grpc/request_id.h -- names for calls whose client sent none.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace attentiond {

/// Makes ids that do not repeat: a random prefix per process, then a count. Threads: any.
class RequestIdSource {
 public:
  RequestIdSource();
  std::string Next();

 private:
  const std::string prefix_;
  std::atomic<uint64_t> next_{1};
};

/// True for what may be taken over from a client, into logs and trailing metadata: 1 to 128
/// characters of printable ASCII without spaces.
bool IsValidRequestId(absl::string_view id);

}  // namespace attentiond
