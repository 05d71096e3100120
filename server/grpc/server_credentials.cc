// server/grpc/server_credentials.cc -- reading PEM files, at the start and at every handshake.
#include "server/grpc/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "server/grpc/key_pair.h"

namespace attentiond {
namespace {

constexpr absl::string_view kCertificateMarker = "-----BEGIN CERTIFICATE-----";
constexpr absl::string_view kKeyMarker = "PRIVATE KEY-----";

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

// The texts of the files.
struct TlsTexts {
  std::string certificates, key;
  std::string client_ca;  // empty: clients need no certificate
  bool operator==(const TlsTexts&) const = default;
};

absl::StatusOr<TlsTexts> ReadTexts(const GrpcServerOptions& options) {
  TlsTexts texts;
  ASSIGN_OR_RETURN(texts.certificates,
                   ReadPem(options.tls_cert_file, "TLS certificate", kCertificateMarker));
  ASSIGN_OR_RETURN(texts.key, ReadPem(options.tls_key_file, "TLS key", kKeyMarker));
  if (!options.tls_client_ca_file.empty()) {
    ASSIGN_OR_RETURN(texts.client_ca,
                     ReadPem(options.tls_client_ca_file, "TLS client CA", kCertificateMarker));
  }
  const absl::Status pair = CheckKeyPair(texts.certificates, texts.key);
  if (pair.ok()) return texts;
  return absl::Status(pair.code(),
                      absl::StrCat("TLS certificate '", options.tls_cert_file, "' and key '",
                                   options.tls_key_file, "': ", pair.message()));
}

// gRPC's C++ credentials read their certificates once; those of its C core ask before every
// handshake.
class ReloadingCredentials final : public grpc::ServerCredentials {
 public:
  ReloadingCredentials(const GrpcServerOptions& options, TlsTexts texts, Logger* logger)
      : options_(options), logger_(logger), texts_(std::move(texts)) {}

  // Nothing of ours sets one: tokens are checked where calls are admitted.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    grpc_server_credentials* const credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            options_.tls_client_ca_file.empty()
                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
            &Fetch, this));
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadingCredentials*>(self)->FetchConfig(config);
  }

  grpc_ssl_certificate_config_reload_status FetchConfig(
      grpc_ssl_server_certificate_config** config) {
    MutexLock lock(&mutex_);
    if (is_first_) {
      is_first_ = false;
    } else {
      absl::StatusOr<TlsTexts> now = ReadTexts(options_);
      if (!now.ok()) return Failed(now.status());
      failure_.clear();
      if (*now == texts_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
      texts_ = *std::move(now);
      if (logger_ != nullptr) {
        logger_->Info("the TLS files have changed: new connections use them",
                      {{"certificate", options_.tls_cert_file}});
      }
    }
    const grpc_ssl_pem_key_cert_pair pair = {texts_.key.c_str(), texts_.certificates.c_str()};
    // gRPC insists on authorities for clients' certificates even where it asks for none.
    const std::string& authorities =
        texts_.client_ca.empty() ? texts_.certificates : texts_.client_ca;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  // Said once, not at every handshake.
  grpc_ssl_certificate_config_reload_status Failed(const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (failure_ != status.message()) {
      failure_ = std::string(status.message());
      if (logger_ != nullptr) {
        logger_->Warning(absl::StrCat(failure_, "; the certificate that was read before stays"));
      }
    }
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
  }

  const GrpcServerOptions options_;
  Logger* const logger_;
  Mutex mutex_;
  TlsTexts texts_ ABSL_GUARDED_BY(mutex_);
  bool is_first_ ABSL_GUARDED_BY(mutex_) = true;
  std::string failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const GrpcServerOptions& options, Logger* logger) {
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    return absl::InvalidArgumentError("TLS needs a certificate and a key: one of them is not set");
  }
  if (options.tls_cert_file.empty()) {
    if (options.tls_client_ca_file.empty()) return grpc::InsecureServerCredentials();
    return absl::InvalidArgumentError(
        "a TLS client CA is set, but no certificate: without TLS clients cannot be checked");
  }
  ASSIGN_OR_RETURN(TlsTexts texts, ReadTexts(options));
  return std::make_shared<ReloadingCredentials>(options, std::move(texts), logger);
}

}  // namespace attentiond
