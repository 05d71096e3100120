// client/commands/attend_check.h -- a reply of Attend against the formula, computed here.
#pragma once

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "client/commands/attend_inputs.h"

namespace attentiond::client {

/// How far a reply is from softmax(scale Q K^T ...) V computed here in double precision.
struct AttendCheck {
  double largest_difference = 0;
  /// What rounding in single precision (and to the type of the tensors) can come to; derived in
  /// attend_check.cc.
  double bound = 0;
  bool agrees() const { return largest_difference <= bound; }
};

/// Compares the output, and weights where the reply has them. kInvalidArgument: shapes do not fit
/// together, or the computation would take longer than a few seconds.
absl::StatusOr<AttendCheck> CheckReply(const AttendInputs& inputs,
                                       const v1::AttendResponse& response);

}  // namespace attentiond::client
