// server/grpc/status_conversion.cc -- codes one to one, messages bounded, google.rpc details added.
#include "server/grpc/status_conversion.h"

#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

#define ATTENTIOND_SAME_CODE(absl_code, grpc_code)               \
  static_assert(static_cast<int>(absl::StatusCode::absl_code) == \
                static_cast<int>(grpc::StatusCode::grpc_code))
ATTENTIOND_SAME_CODE(kOk, OK);
ATTENTIOND_SAME_CODE(kCancelled, CANCELLED);
ATTENTIOND_SAME_CODE(kUnknown, UNKNOWN);
ATTENTIOND_SAME_CODE(kInvalidArgument, INVALID_ARGUMENT);
ATTENTIOND_SAME_CODE(kDeadlineExceeded, DEADLINE_EXCEEDED);
ATTENTIOND_SAME_CODE(kNotFound, NOT_FOUND);
ATTENTIOND_SAME_CODE(kAlreadyExists, ALREADY_EXISTS);
ATTENTIOND_SAME_CODE(kPermissionDenied, PERMISSION_DENIED);
ATTENTIOND_SAME_CODE(kResourceExhausted, RESOURCE_EXHAUSTED);
ATTENTIOND_SAME_CODE(kFailedPrecondition, FAILED_PRECONDITION);
ATTENTIOND_SAME_CODE(kAborted, ABORTED);
ATTENTIOND_SAME_CODE(kOutOfRange, OUT_OF_RANGE);
ATTENTIOND_SAME_CODE(kUnimplemented, UNIMPLEMENTED);
ATTENTIOND_SAME_CODE(kInternal, INTERNAL);
ATTENTIOND_SAME_CODE(kUnavailable, UNAVAILABLE);
ATTENTIOND_SAME_CODE(kDataLoss, DATA_LOSS);
ATTENTIOND_SAME_CODE(kUnauthenticated, UNAUTHENTICATED);
#undef ATTENTIOND_SAME_CODE

// A field path holds names that the client chose.
constexpr size_t kMaxFieldBytes = 256;

// Long enough for a few batches to leave the queue, short enough to find the room that they leave.
constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

void SetDuration(absl::Duration value, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(value, absl::Seconds(1), &value));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(value)));
}

std::string Message(const absl::Status& status, absl::string_view request_id) {
  // A bug's cause is the log's: it means nothing to a client, and may tell of what is another's.
  if (status.code() == absl::StatusCode::kInternal) {
    return absl::StrCat("internal error: the server's log has the cause under request id ",
                        request_id);
  }
  return BoundedUtf8(status.message(), kMaxStatusMessageBytes);
}

std::string Details(const absl::Status& status, const std::string& message,
                    absl::string_view request_id) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(BoundedUtf8(FieldOf(status), kMaxFieldBytes));
    violation->set_description(message);
    details.add_details()->PackFrom(bad_request);
  }
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    google::rpc::RetryInfo retry;
    SetDuration(kRetryDelay, retry.mutable_retry_delay());
    details.add_details()->PackFrom(retry);
  }
  google::rpc::RequestInfo request;
  request.set_request_id(std::string(request_id));
  details.add_details()->PackFrom(request);
  return details.SerializeAsString();
}

}  // namespace

std::string BoundedUtf8(absl::string_view text, size_t max_bytes) {
  constexpr absl::string_view kEllipsis = "...";
  // Replacing can lengthen; only what may remain is looked at.
  const absl::string_view head = text.substr(0, max_bytes);
  std::string result;
  icu::UnicodeString::fromUTF8({head.data(), static_cast<int32_t>(head.size())})
      .toUTF8String(result);
  if (text.size() <= max_bytes && result.size() <= max_bytes) return result;
  int32_t end = static_cast<int32_t>(std::min(result.size(), max_bytes - kEllipsis.size()));
  U8_SET_CP_START(reinterpret_cast<const uint8_t*>(result.data()), 0, end);
  result.resize(static_cast<size_t>(end));
  return result.append(kEllipsis.data(), kEllipsis.size());
}

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Message(status, request_id);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      Details(status, message, request_id));
}

}  // namespace attentiond
