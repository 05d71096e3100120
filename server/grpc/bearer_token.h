// server/grpc/bearer_token.h -- which callers are let in, by `authorization: Bearer TOKEN`.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// The accepted tokens. Immutable. Threads: any.
class BearerTokens {
 public:
  /// Everybody is let in.
  BearerTokens() = default;
  explicit BearerTokens(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  /// One token a line; blank lines and those that start with '#' are skipped.
  /// kNotFound: `path` cannot be read. kInvalidArgument: it holds no token, or one with a space or
  /// a byte that is not printable ASCII.
  static absl::StatusOr<BearerTokens> FromFile(const std::string& path);

  bool operator==(const BearerTokens&) const = default;

  bool required() const { return !tokens_.empty(); }
  /// `authorization` is the header's value, empty when there is none. kUnauthenticated: no token,
  /// or one that is not accepted. Takes as long for a wrong token as for the right one.
  absl::Status Check(absl::string_view authorization) const;

 private:
  std::vector<std::string> tokens_;
};

}  // namespace attentiond
