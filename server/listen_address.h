// server/listen_address.h -- HOST:PORT, as --listen and its siblings take it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

struct ListenAddress {
  std::string host;  ///< a name, an IPv4 address, or an IPv6 address in brackets
  int port = 0;      ///< 0: any free one
};

/// Parses "0.0.0.0:8001", "localhost:0" or "[::]:8001". kInvalidArgument says what is wrong.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

}  // namespace attentiond
