// server/grpc/attention_service_attend.cc -- Attend: raw attention on the caller's tensors.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"
#include "server/inference/attention_validation.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

absl::StatusOr<TensorView> Required(absl::string_view field, bool is_set,
                                    const v1::Tensor& tensor) {
  if (!is_set) return FieldError(field, "missing, required");
  return ViewOf(field, tensor);
}

absl::StatusOr<AttentionTensors> ToTensors(const v1::AttendRequest& request) {
  AttentionTensors tensors;
  ASSIGN_OR_RETURN(tensors.query, Required("query", request.has_query(), request.query()));
  ASSIGN_OR_RETURN(tensors.key, Required("key", request.has_key(), request.key()));
  ASSIGN_OR_RETURN(tensors.value, Required("value", request.has_value(), request.value()));
  if (request.has_mask()) {
    ASSIGN_OR_RETURN(tensors.mask, ViewOf("mask", request.mask()));
  }
  if (request.has_bias()) {
    ASSIGN_OR_RETURN(tensors.bias, ViewOf("bias", request.bias()));
  }
  if (!request.kv_lengths().empty()) {
    tensors.kv_lengths = {request.kv_lengths().data(), DType::kI64, {request.kv_lengths_size()}};
  }
  return tensors;
}

AttentionOptions ToOptions(const v1::AttendRequest& request) {
  AttentionOptions options;
  if (request.has_scale()) options.scale = request.scale();
  options.causal = request.causal();
  if (request.has_window()) options.window = request.window();
  if (request.has_softcap()) options.softcap = request.softcap();
  options.want_weights = request.return_weights();
  options.want_lse = request.return_lse();
  return options;
}

/// Sizes the tensors of the response, where the kernel then writes.
AttentionOutputs AllocateOutputs(const ValidAttention& valid, const AttentionOptions& options,
                                 v1::AttendResponse* response) {
  const auto floats = [](const Shape& shape, v1::Tensor* tensor) {
    return reinterpret_cast<float*>(Allocate(DType::kF32, shape, tensor));
  };
  void* const output = Allocate(valid.args.dtype, valid.output, response->mutable_output());
  float* const weights =
      options.want_weights ? floats(valid.weights, response->mutable_weights()) : nullptr;
  float* const lse = options.want_lse ? floats(valid.lse, response->mutable_lse()) : nullptr;
  return valid.Outputs(output, weights, lse);
}

}  // namespace

absl::Status StartAttend(const AttendCall::Pointer& call) {
  const ServiceEnvironment& environment = call->environment;
  ASSIGN_OR_RETURN(const auto model,
                   FindModel(environment, call->reactor, kAttendNeed, "attention", ""));
  ASSIGN_OR_RETURN(const AttentionTensors tensors, ToTensors(call->request));
  const AttentionOptions options = ToOptions(call->request);
  ASSIGN_OR_RETURN(ValidAttention checked,
                   ValidateAttention(tensors, options,
                                     {.max_output_bytes = environment.limits.max_message_bytes,
                                      .max_flop = environment.limits.max_attention_flop}));
  RETURN_IF_ERROR(call->reactor->ticket().Reserve(checked.OutputBytes(options)));

  const auto valid = std::make_shared<const ValidAttention>(std::move(checked));
  AttendRequest work;
  work.args = valid->args;
  work.outputs = AllocateOutputs(*valid, options, &call->response);
  work.tokens = valid->tokens;
  environment.inference->Attend(model, call->reactor->call(), work,
                                [call, valid](const absl::Status& status, CallTiming timing) {
                                  if (!status.ok()) return call->Reply(status);
                                  timing.input_tokens = valid->tokens;
                                  call->Finish(/*rows=*/1, timing);
                                });
  return absl::OkStatus();
}

}  // namespace attentiond
