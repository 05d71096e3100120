#include "server/grpc/token_file.h"

#include <utility>

#include "core/base/status_macros.h"

namespace attentiond {

TokenFile::TokenFile(const std::string& path, BearerTokens tokens)
    : path_(path), tokens_(std::make_shared<const BearerTokens>(std::move(tokens))) {}

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Open(const std::string& path) {
  BearerTokens tokens;
  if (!path.empty()) {
    ASSIGN_OR_RETURN(tokens, BearerTokens::FromFile(path));
  }
  return std::unique_ptr<TokenFile>(new TokenFile(path, std::move(tokens)));
}

absl::Status TokenFile::Check(absl::string_view authorization) const {
  return Current()->Check(authorization);
}

absl::StatusOr<bool> TokenFile::Reload() {
  if (path_.empty()) return false;
  ASSIGN_OR_RETURN(BearerTokens tokens, BearerTokens::FromFile(path_));
  if (tokens == *Current()) return false;
  auto fresh = std::make_shared<const BearerTokens>(std::move(tokens));
  MutexLock lock(&mutex_);
  tokens_.swap(fresh);
  return true;
}

std::shared_ptr<const BearerTokens> TokenFile::Current() const {
  MutexLock lock(&mutex_);
  return tokens_;
}

}  // namespace attentiond
