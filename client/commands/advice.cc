#include "client/commands/advice.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace attentiond::client {
namespace {

// gRPC's own words when no connection was made; there is no code for it.
bool IsConnectionFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) &&
         (absl::StrContains(status.message(), "failed to connect") ||
          absl::StrContains(status.message(), "Failed to connect") ||
          absl::StrContains(status.message(), "DNS resolution failed") ||
          absl::StrContains(status.message(), "Socket closed") ||
          absl::StrContains(status.message(), "Connection reset"));
}

std::string Advice(const absl::Status& status, const std::string& address) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "try again when the server is ready (attention-client health), or wait with --wait";
    case absl::StatusCode::kResourceExhausted:
      return "the server is at its limit: send less at a time, or later";
    case absl::StatusCode::kDeadlineExceeded:
      return "give it more time with --timeout SECONDS";
    case absl::StatusCode::kUnauthenticated:
      return "pass the server's token with --token-file FILE";
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return "attention-client models shows what this server has";
    case absl::StatusCode::kUnimplemented:
      return absl::StrCat("is ", address, " really an attentiond server?");
    default:
      return "";
  }
}

}  // namespace

absl::Status WithAdvice(const absl::Status& status, const std::string& address) {
  if (status.ok()) return status;
  if (IsConnectionFailure(status)) {
    return absl::UnavailableError(absl::StrCat(
        "no connection to ", address, " (", status.message(),
        "); start a server there (attentiond --help), or say where it is with --address HOST:PORT "
        "or ATTENTIOND_ADDRESS"));
  }
  const std::string advice = Advice(status, address);
  const absl::string_view message =
      status.message().empty() ? "no reason given" : absl::StripSuffix(status.message(), ".");
  return absl::Status(status.code(), absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                                                  message, advice.empty() ? "" : "; ", advice));
}

}  // namespace attentiond::client
