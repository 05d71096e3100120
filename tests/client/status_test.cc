#include "client/status.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace attentiond::client {
namespace {

TEST(FromGrpcTest, KeepsCodeAndMessage) {
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status = FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(code), "why"));
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_EQ(status.message(), "why");
  }
}

TEST(FromGrpcTest, AnUnknownCodeIsUnknown) {
  EXPECT_TRUE(absl::IsUnknown(FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(20), "why"))));
}

TEST(FromGrpcTest, TellsFieldViolationsThatTheMessageLacks) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("inputs[3].text");
  violation->set_description("is not UTF-8");
  violation = bad_request.add_field_violations();
  violation->set_field("top_k");
  violation->set_description("is -1; required: 0 or more");
  google::rpc::Status details;
  details.add_details()->PackFrom(bad_request);
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "inputs[3].text is not UTF-8",
                            details.SerializeAsString()));
  EXPECT_EQ(status.message(), "inputs[3].text is not UTF-8\n  top_k: is -1; required: 0 or more");
}

TEST(FromGrpcTest, UnreadableDetailsAreIgnored) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "why", "\xff\xff not a message"));
  EXPECT_EQ(status, absl::InternalError("why"));
  EXPECT_EQ(RetryDelay(status), std::nullopt);
}

grpc::Status WithRetryInfo(int64_t seconds, int32_t nanos) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(nanos);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", details.SerializeAsString());
}

TEST(RetryDelayTest, ReadsTheServersDelay) {
  EXPECT_EQ(RetryDelay(FromGrpc(WithRetryInfo(1, 500'000'000))), absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelay(FromGrpc(WithRetryInfo(0, 0))), absl::ZeroDuration());
}

TEST(RetryDelayTest, NoneWithoutOneOrWithNonsense) {
  EXPECT_EQ(RetryDelay(absl::UnavailableError("down")), std::nullopt);
  EXPECT_EQ(RetryDelay(FromGrpc(WithRetryInfo(-3, 0))), std::nullopt);
  google::rpc::Status details;
  auto* any = details.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  any->set_value("\xff\xff");
  EXPECT_EQ(RetryDelay(FromGrpc(
                grpc::Status(grpc::StatusCode::UNAVAILABLE, "", details.SerializeAsString()))),
            std::nullopt);
}

}  // namespace
}  // namespace attentiond::client
