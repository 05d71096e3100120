// server/grpc/server_credentials.cc -- reading PEM files.
#include "server/grpc/server_credentials.h"

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

// gRPC says nothing of a file that it cannot use but that the port could not be opened: what can be
// seen from here is checked here.
absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view what,
                                    absl::string_view marker) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat(what, " file '", path, "' cannot be read"));
  }
  if (!absl::StrContains(text.str(), marker)) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " file '", path, "' is not PEM: it has no ", "line with '", marker, "'"));
  }
  return text.str();
}

constexpr absl::string_view kCertificateMarker = "-----BEGIN CERTIFICATE-----";
constexpr absl::string_view kKeyMarker = "PRIVATE KEY-----";

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const GrpcServerOptions& options) {
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    return absl::InvalidArgumentError("TLS needs a certificate and a key: one of them is not set");
  }
  if (options.tls_cert_file.empty()) {
    if (options.tls_client_ca_file.empty()) return grpc::InsecureServerCredentials();
    return absl::InvalidArgumentError(
        "a TLS client CA is set, but no certificate: without TLS clients cannot be checked");
  }
  grpc::SslServerCredentialsOptions tls(
      options.tls_client_ca_file.empty()
          ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
          : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  ASSIGN_OR_RETURN(pair.cert_chain,
                   ReadPem(options.tls_cert_file, "TLS certificate", kCertificateMarker));
  ASSIGN_OR_RETURN(pair.private_key, ReadPem(options.tls_key_file, "TLS key", kKeyMarker));
  tls.pem_key_cert_pairs.push_back(std::move(pair));
  if (!options.tls_client_ca_file.empty()) {
    ASSIGN_OR_RETURN(tls.pem_root_certs,
                     ReadPem(options.tls_client_ca_file, "TLS client CA", kCertificateMarker));
  }
  return grpc::SslServerCredentials(tls);
}

}  // namespace attentiond
