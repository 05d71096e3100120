// Codes, details and bounds of what a client sees of an error.
#include "server/grpc/status_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Message>
std::optional<Message> Find(const google::rpc::Status& details) {
  Message message;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&message)) return message;
  }
  return std::nullopt;
}

TEST(StatusConversionTest, OkHasNeitherMessageNorDetails) {
  const grpc::Status status = ToGrpcStatus(absl::OkStatus(), "id-1");
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.error_details(), "");
}

TEST(StatusConversionTest, EveryCodeKeepsItsNumberAndNamesTheRequest) {
  constexpr int kInternal = static_cast<int>(absl::StatusCode::kInternal);
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(code), "why"), "id-1");
    EXPECT_EQ(static_cast<int>(status.error_code()), code);
    EXPECT_THAT(status.error_message(), HasSubstr(code == kInternal ? "id-1" : "why"));
    const google::rpc::Status details = Details(status);
    EXPECT_EQ(details.code(), code);
    EXPECT_EQ(details.message(), status.error_message());
    EXPECT_EQ(Find<google::rpc::RequestInfo>(details)->request_id(), "id-1");
  }
}

TEST(StatusConversionTest, InvalidArgumentNamesTheField) {
  const absl::Status error = InField("inputs", FieldError("query", "rank 3, required 4"));
  const auto bad_request = Find<google::rpc::BadRequest>(Details(ToGrpcStatus(error, "id")));
  ASSERT_TRUE(bad_request.has_value());
  ASSERT_EQ(bad_request->field_violations_size(), 1);
  EXPECT_EQ(bad_request->field_violations(0).field(), "inputs.query");
  EXPECT_THAT(bad_request->field_violations(0).description(), HasSubstr("rank 3, required 4"));
}

TEST(StatusConversionTest, InvalidArgumentWithoutAFieldStillHasABadRequest) {
  const auto details = Details(ToGrpcStatus(absl::InvalidArgumentError("wrong"), "id"));
  EXPECT_EQ(Find<google::rpc::BadRequest>(details)->field_violations(0).description(), "wrong");
  EXPECT_FALSE(Find<google::rpc::RetryInfo>(details).has_value());
}

TEST(StatusConversionTest, ResourceExhaustedSaysWhenToRetry) {
  const auto details = Details(ToGrpcStatus(absl::ResourceExhaustedError("full"), "id"));
  const auto retry = Find<google::rpc::RetryInfo>(details);
  ASSERT_TRUE(retry.has_value());
  EXPECT_GT(retry->retry_delay().seconds() * 1'000'000'000 + retry->retry_delay().nanos(), 0);
  EXPECT_FALSE(Find<google::rpc::BadRequest>(details).has_value());
}

TEST(StatusConversionTest, InternalErrorsNameTheRequestInsteadOfTheirCause) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError("secret cause"), "id-7");
  EXPECT_THAT(status.error_message(), EndsWith("request id id-7"));
  EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
  EXPECT_THAT(status.error_details(), Not(HasSubstr("secret")));
}

// gRPC counts 32 bytes per header on top of name and value, sends the message percent-encoded
// (three bytes for each that is not ASCII) and binary values in base64 (four bytes for three).
TEST(StatusConversionTest, TheWorstErrorFitsTheTrailers) {
  std::string worst;
  while (worst.size() < 100'000) worst += "\xf0\x9f\x90\x88";
  const std::string id(128, 'i');
  const grpc::Status status = ToGrpcStatus(FieldError(worst, worst), id);
  const size_t trailers = 3 * status.error_message().size() +
                          4 * (status.error_details().size() + 2) / 3 + id.size() + 4 * 32 +
                          sizeof("grpc-status-details-bin") + sizeof("grpc-message");
  EXPECT_LT(trailers, 8192u);
}

TEST(BoundedUtf8Test, ShortValidTextIsUntouched) {
  EXPECT_EQ(BoundedUtf8("", 10), "");
  EXPECT_EQ(BoundedUtf8("caf\xc3\xa9", 5), "caf\xc3\xa9");
}

TEST(BoundedUtf8Test, CutsBetweenCharacters) {
  EXPECT_EQ(BoundedUtf8("aaaaaaaaaaaa", 10), "aaaaaaa...");
  // The second two-byte character would straddle the cut.
  EXPECT_EQ(BoundedUtf8("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 6), "\xc3\xa9...");
  for (size_t bytes = 4; bytes < 40; ++bytes) {
    const std::string cut = BoundedUtf8(
        "\xf0\x9f\x90\x88\xe2\x82\xac\xc3\xa9x\xf0\x9f\x90\x88\xe2\x82\xac\xc3\xa9x\xf0\x9f\x90\x88"
        "\xe2\x82\xac\xc3\xa9x",
        bytes);
    EXPECT_LE(cut.size(), bytes);
    EXPECT_EQ(BoundedUtf8(cut, 100), cut) << "not valid UTF-8 when cut to " << bytes;
  }
}

TEST(BoundedUtf8Test, ReplacesInvalidBytes) {
  EXPECT_EQ(BoundedUtf8("a\xff"
                        "b",
                        10),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(BoundedUtf8("\xff\xff\xff\xff", 8), "\xef\xbf\xbd...");
}

}  // namespace
}  // namespace attentiond
