// tests/server/grpc/explain_fixture.h -- Explain over gRPC, as its tests call it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {

class ExplainFixture : public ::testing::Test {
 protected:
  grpc::Status Explain(const v1::ExplainRequest& request, v1::ExplainResponse* response) {
    grpc::ClientContext context;
    return server_.stub().Explain(&context, request, response);
  }
  v1::ExplainResponse Good(const v1::ExplainRequest& request) {
    v1::ExplainResponse response;
    const grpc::Status status = Explain(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void ExpectBad(const v1::ExplainRequest& request, const std::string& field,
                 const std::string& message) {
    v1::ExplainResponse response;
    const grpc::Status status = Explain(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(BadField(status), field);
    EXPECT_EQ(status.error_message(), message);
  }

  AttentionTestServer server_;
};

}  // namespace attentiond::testing
