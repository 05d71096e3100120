// server/grpc/token_file.h -- the accepted tokens of a file that may change while the server runs.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/mutex.h"
#include "server/grpc/bearer_token.h"

namespace attentiond {

/// Threads: every method may be called concurrently.
class TokenFile {
 public:
  /// `path` empty: everybody is let in, and nothing is ever read. Errors as BearerTokens::FromFile.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(const std::string& path);

  /// As BearerTokens::Check, with the tokens that were read last.
  absl::Status Check(absl::string_view authorization) const;
  /// Reads the file again; true: it holds other tokens than before. On an error, which is that of
  /// BearerTokens::FromFile, the old ones stay accepted: a file that is half written locks nobody
  /// out.
  absl::StatusOr<bool> Reload();

 private:
  TokenFile(const std::string& path, BearerTokens tokens);
  std::shared_ptr<const BearerTokens> Current() const;

  const std::string path_;
  mutable Mutex mutex_;
  std::shared_ptr<const BearerTokens> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
