// Ten thousand malformed requests through a real server: each is answered, none is a bug, and the
// server goes on.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/malformed_requests.h"

namespace attentiond::testing {
namespace {

constexpr uint32_t kSeed = 20240711;
constexpr int kRequests = 10'000;

TEST(MalformedRequestTest, GoodRequestsAreGood) {
  KserveTestServer server;
  for (const auto& request : GoodRequests()) server.MustInfer(request);
}

TEST(MalformedRequestTest, EachIsAnsweredAndTheServerGoesOn) {
  KserveTestServer server;
  MalformedRequests requests(kSeed);
  std::map<grpc::StatusCode, int> codes;
  for (int i = 0; i < kRequests; ++i) {
    const grpc::Status status = server.CallRaw("ModelInfer", requests.NextBytes());
    ++codes[status.error_code()];
    ASSERT_NE(status.error_code(), grpc::StatusCode::INTERNAL)
        << "request " << i << " of seed " << kSeed << ": " << status.error_message();
  }
  const std::set<grpc::StatusCode> expected = {
      grpc::StatusCode::OK, grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
      grpc::StatusCode::DEADLINE_EXCEEDED};
  for (const auto& [code, count] : codes) {
    EXPECT_TRUE(expected.contains(code)) << count << " of code " << code;
  }
  EXPECT_GT(codes[grpc::StatusCode::INVALID_ARGUMENT], kRequests / 2);
  EXPECT_GT(codes[grpc::StatusCode::OK], kRequests / 100);
  for (const auto& request : GoodRequests()) server.MustInfer(request);
  EXPECT_EQ(server.Metric("attentiond_in_flight_requests"), 0);
}

TEST(MalformedRequestTest, OnAStreamEachIsAnsweredInItsPlace) {
  KserveTestServer server;
  MalformedRequests requests(kSeed + 1);
  grpc::ClientContext context;
  const auto stream = server.stub().ModelStreamInfer(&context);
  for (int i = 0; i < 1000; ++i) {
    inference::ModelInferRequest request = requests.Next();
    request.set_id(std::to_string(i));
    ASSERT_TRUE(stream->Write(request));
    inference::ModelStreamInferResponse reply;
    ASSERT_TRUE(stream->Read(&reply)) << "request " << i << " of seed " << kSeed + 1;
    EXPECT_EQ(reply.infer_response().id(), request.id());
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace attentiond::testing
