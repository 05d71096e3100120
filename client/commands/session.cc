#include "client/commands/session.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/file.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr int64_t kMaxTokenFileBytes = int64_t{64} << 10;

bool IsToken(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

// The first line with a token, in the format of the server's --auth-token-file.
absl::StatusOr<std::string> ReadToken(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxTokenFileBytes));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    if (IsToken(line)) return std::string(line);
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a token is printable ASCII without spaces"));
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": holds no token"));
}

}  // namespace

void AddConnectionFlags(CLI::App* app, ConnectionFlags* flags) {
  constexpr const char* kGroup = "Connection";
  ChannelOptions& channel = flags->channel;
  app->add_option("--address", channel.address,
                  "server, else ATTENTIOND_ADDRESS, else localhost:8001")
      ->option_text("HOST:PORT")
      ->group(kGroup);
  app->add_option("--timeout", flags->timeout_seconds,
                  "longest a call may take, retries included (default 30)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, 86400.0))
      ->group(kGroup);
  app->add_option("--attempts", flags->attempts,
                  "of a call that the server is too busy for (default 5)")
      ->option_text("N")
      ->check(CLI::Range(1, 100))
      ->group(kGroup);
  app->add_flag("--wait", flags->wait, "wait for the server to come up")->group(kGroup);
  app->add_option("--token-file", flags->token_file, "the first token in it is sent with each call")
      ->option_text("FILE")
      ->group(kGroup);
  app->add_flag("--tls", channel.tls, "encrypt; trust the system's authorities")->group(kGroup);
  app->add_option("--tls-ca", channel.tls_ca_file, "encrypt; trust these authorities (PEM)")
      ->option_text("FILE")
      ->group(kGroup);
  app->add_option("--tls-cert", channel.tls_cert_file, "this client's certificate (PEM)")
      ->option_text("FILE")
      ->group(kGroup);
  app->add_option("--tls-key", channel.tls_key_file, "and its private key (PEM)")
      ->option_text("FILE")
      ->group(kGroup);
  app->add_option("--tls-server-name", channel.tls_server_name,
                  "name in the server's certificate, if not that of the address")
      ->option_text("NAME")
      ->group(kGroup);
  app->add_option("--max-message-bytes", channel.max_message_bytes,
                  "largest request or reply (default 1 GiB)")
      ->option_text("N")
      ->check(CLI::Range(int64_t{1}, (int64_t{1} << 31) - 1))
      ->group(kGroup);
}

absl::StatusOr<Session> Session::Open(const ConnectionFlags& flags, const Console& console) {
  Session session;
  session.channel_options_ = flags.channel;
  if (flags.channel.address.empty()) session.channel_options_.address = console.default_address;
  if (!flags.token_file.empty()) {
    ASSIGN_OR_RETURN(session.caller_options_.bearer_token, ReadToken(flags.token_file));
  }
  session.caller_options_.retry.max_attempts = flags.attempts;
  session.call_options_.timeout = absl::Seconds(flags.timeout_seconds);
  session.call_options_.wait_for_ready = flags.wait;
  ASSIGN_OR_RETURN(session.channel_, CreateChannel(session.channel_options_));
  session.client_ = std::make_unique<Client>(session.channel_, session.caller_options_);
  return session;
}

}  // namespace attentiond::client
