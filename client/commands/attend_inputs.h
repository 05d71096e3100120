// client/commands/attend_inputs.h -- what goes into one raw attention call.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "core/tensor/tensor.h"

namespace attentiond::client {

/// Symbols and defaults as in AttendRequest.
struct AttendInputs {
  Tensor query;                ///< [B, H, Sq, D], f32, bf16 or f16
  Tensor key;                  ///< [B, Hk, Sk, D], type of query
  Tensor value;                ///< [B, Hk, Sk, Dv], type of query
  std::optional<Tensor> mask;  ///< bool, each dimension that of [B, H, Sq, Sk] or 1
  std::optional<Tensor> bias;  ///< f32, likewise
  std::vector<int64_t> kv_lengths;
  std::optional<double> scale;
  bool causal = false;
  std::optional<int64_t> window;
  std::optional<double> softcap;
};

/// The message; outputs besides `output` are for the caller to ask for. kInvalidArgument: a type
/// that cannot be sent.
absl::StatusOr<v1::AttendRequest> ToRequest(const AttendInputs& inputs);

}  // namespace attentiond::client
