// server/grpc/key_pair.h -- whether a certificate and a private key belong to each other.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace attentiond {

/// `certificates` is a PEM chain whose first one is the server's, `key` a PEM private key.
/// kInvalidArgument: one of them does not parse, or the key is that of another certificate.
absl::Status CheckKeyPair(const std::string& certificates, const std::string& key);

}  // namespace attentiond
