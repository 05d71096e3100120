#include "server/grpc/key_pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace attentiond {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// Never asks the terminal: a key with a passphrase does not parse.
int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

absl::Status CheckKeyPair(const std::string& certificates, const std::string& key) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(Reader(certificates).get(), nullptr, &NoPassphrase, nullptr), &X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> private_key(
      PEM_read_bio_PrivateKey(Reader(key).get(), nullptr, &NoPassphrase, nullptr), &EVP_PKEY_free);
  const bool fit = certificate != nullptr && private_key != nullptr &&
                   X509_check_private_key(certificate.get(), private_key.get()) == 1;
  ERR_clear_error();  // gRPC would find what OpenSSL says of them in this thread
  if (certificate == nullptr) return absl::InvalidArgumentError("the certificate does not parse");
  if (private_key == nullptr) {
    return absl::InvalidArgumentError("the key does not parse, or has a passphrase");
  }
  if (!fit) return absl::InvalidArgumentError("the key is not that of the certificate");
  return absl::OkStatus();
}

}  // namespace attentiond
