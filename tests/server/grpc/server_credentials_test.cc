// TLS and mutual TLS over a real server, and credentials that cannot be used.
#include "server/grpc/server_credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {
namespace {

using ::testing::HasSubstr;

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class ServerCredentialsTest : public ::testing::Test {
 protected:
  /// NAME.pem and NAME.key: self-signed, for localhost.
  void MakeCertificate(const std::string& name) {
    const std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=",
        name, " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ",
        directory_.PathOf(name + ".key"), " -out ", directory_.PathOf(name + ".pem"),
        " 2> /dev/null");
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  /// Whether a client with these PEM texts is answered.
  bool IsAnswered(const KserveTestServer::Options& options,
                  const grpc::SslCredentialsOptions& client) {
    KserveTestServer server(options);
    const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.server().port()),
                                             grpc::SslCredentials(client));
    const auto stub = inference::GRPCInferenceService::NewStub(channel);
    grpc::ClientContext context;
    inference::ServerLiveResponse response;
    const grpc::Status status = stub->ServerLive(&context, {}, &response);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE);
    return status.ok();
  }

  absl::Status Make() { return MakeServerCredentials(options_.server, nullptr).status(); }

  TemporaryDirectory directory_;
  KserveTestServer::Options options_;
};

TEST_F(ServerCredentialsTest, TlsAndMutualTls) {
  MakeCertificate("server");
  MakeCertificate("client");
  options_.server.tls_cert_file = directory_.PathOf("server.pem");
  options_.server.tls_key_file = directory_.PathOf("server.key");
  grpc::SslCredentialsOptions knows_the_server;
  knows_the_server.pem_root_certs = Read(directory_.PathOf("server.pem"));
  grpc::SslCredentialsOptions knows_another;
  knows_another.pem_root_certs = Read(directory_.PathOf("client.pem"));
  EXPECT_TRUE(IsAnswered(options_, knows_the_server));
  EXPECT_FALSE(IsAnswered(options_, knows_another));

  options_.server.tls_client_ca_file = directory_.PathOf("client.pem");
  grpc::SslCredentialsOptions has_a_certificate = knows_the_server;
  has_a_certificate.pem_cert_chain = Read(directory_.PathOf("client.pem"));
  has_a_certificate.pem_private_key = Read(directory_.PathOf("client.key"));
  EXPECT_FALSE(IsAnswered(options_, knows_the_server));
  EXPECT_TRUE(IsAnswered(options_, has_a_certificate));
}

TEST_F(ServerCredentialsTest, WhatCannotBeUsedIsNamed) {
  EXPECT_TRUE(Make().ok()) << "plaintext";
  options_.server.tls_client_ca_file = "ca.pem";
  EXPECT_EQ(Make().code(), absl::StatusCode::kInvalidArgument);
  options_.server.tls_cert_file = directory_.PathOf("absent.pem");
  EXPECT_EQ(Make().code(), absl::StatusCode::kInvalidArgument) << "a certificate without a key";
  options_.server.tls_key_file = directory_.Write("key.pem", "no key at all");
  EXPECT_EQ(Make().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Make().message()), HasSubstr("absent.pem"));
  options_.server.tls_cert_file =
      directory_.Write("cert.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(Make().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(Make().message()), HasSubstr("key.pem"));
}

TEST_F(ServerCredentialsTest, ACertificateThatDoesNotParseEndsTheStart) {
  options_.server.address = "127.0.0.1:0";
  options_.server.tls_cert_file = directory_.Write(
      "cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  options_.server.tls_key_file =
      directory_.Write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  const auto metrics = Metrics::Create({});
  ThreadPool threads(1);
  BatchScheduler scheduler(Clock::Real());
  ModelRepository repository({}, &scheduler, metrics.get(), &threads, Clock::Real());
  Inference inference(&repository, Clock::Real(), {});
  const auto server = GrpcServer::Start(options_.server, {.repository = &repository,
                                                          .inference = &inference,
                                                          .metrics = metrics.get(),
                                                          .clock = Clock::Real()});
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("TLS certificate"));
}

}  // namespace
}  // namespace attentiond::testing
