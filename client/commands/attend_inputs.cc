#include "client/commands/attend_inputs.h"

#include "client/tensor_conversion.h"
#include "core/base/status_macros.h"

namespace attentiond::client {

absl::StatusOr<v1::AttendRequest> ToRequest(const AttendInputs& inputs) {
  v1::AttendRequest request;
  ASSIGN_OR_RETURN(*request.mutable_query(), ToProto(inputs.query.view()));
  ASSIGN_OR_RETURN(*request.mutable_key(), ToProto(inputs.key.view()));
  ASSIGN_OR_RETURN(*request.mutable_value(), ToProto(inputs.value.view()));
  if (inputs.mask) {
    ASSIGN_OR_RETURN(*request.mutable_mask(), ToProto(inputs.mask->view()));
  }
  if (inputs.bias) {
    ASSIGN_OR_RETURN(*request.mutable_bias(), ToProto(inputs.bias->view()));
  }
  request.mutable_kv_lengths()->Add(inputs.kv_lengths.begin(), inputs.kv_lengths.end());
  if (inputs.scale) request.set_scale(*inputs.scale);
  request.set_causal(inputs.causal);
  if (inputs.window) request.set_window(*inputs.window);
  if (inputs.softcap) request.set_softcap(*inputs.softcap);
  return request;
}

}  // namespace attentiond::client
