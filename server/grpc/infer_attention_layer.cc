// server/grpc/infer_attention_layer.cc -- attention layers (torch.nn.MultiheadAttention) over
// KServe v2.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/infer_tensors.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

class AttentionLayerOperation final : public InferOperation {
 public:
  AttentionLayerOperation(const AttentionLayerCall& call, std::vector<int64_t> kv_lengths,
                          Tensor unwanted_output)
      : call_(call),
        kv_lengths_(std::move(kv_lengths)),
        unwanted_output_(std::move(unwanted_output)) {
    call_.kv_lengths = kv_lengths_;
  }

  int64_t rows() const override { return call_.batch; }

  void Run(Inference* inference, std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
           InferDone done) override {
    if (call_.batch == 0) return done(absl::OkStatus(), CallTiming(), absl::ZeroDuration());
    inference->RunAttentionLayer(
        std::move(model), std::move(call), call_,
        [done = std::move(done)](absl::Status status, const CallTiming& timing) {
          done(std::move(status), timing, absl::ZeroDuration());
        });
  }

 private:
  AttentionLayerCall call_;
  const std::vector<int64_t> kv_lengths_;
  const Tensor unwanted_output_;
};

struct Operands {
  const InputTensor* query;
  const InputTensor* key;    ///< nullptr: query
  const InputTensor* value;  ///< nullptr: key
};

absl::Status CheckSelfAttention(const Operands& operands, const ModelInfo& info) {
  if (operands.key == nullptr && operands.value != nullptr) {
    return FieldError("inputs.key", "is missing; it is required with value");
  }
  if (operands.key == nullptr && info.key_size != info.hidden_size) {
    return FieldError("inputs.key",
                      absl::StrCat("is missing; query cannot stand for it: it has ",
                                   info.hidden_size, " channels, required are ", info.key_size));
  }
  const int64_t found = operands.key == nullptr ? info.hidden_size : info.key_size;
  if (operands.value == nullptr && info.value_size != found) {
    return FieldError("inputs.value",
                      absl::StrCat("is missing; ", operands.key == nullptr ? "query" : "key",
                                   " cannot stand for it: it has ", found,
                                   " channels, required are ", info.value_size));
  }
  return absl::OkStatus();
}

// The axis of `tensor` is as long as `required`, which `other` has.
absl::Status CheckAxis(absl::string_view name, const InputTensor& tensor, int axis,
                       int64_t required, absl::string_view other) {
  if (tensor.shape.dim(axis) == required) return absl::OkStatus();
  return FieldError(absl::StrCat("inputs.", name),
                    absl::StrCat("shape is ", tensor.shape.ToString(), "; dimension ", axis,
                                 " is required to be ", required, " as in ", other));
}

absl::Status CheckLengths(const Operands& operands) {
  const int64_t batch = operands.query->shape.dim(0);
  if (operands.query->shape.dim(1) < 1) {
    return FieldError("inputs.query", absl::StrCat("shape is ", operands.query->shape.ToString(),
                                                   "; at least one position is required"));
  }
  if (operands.key == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(CheckAxis("key", *operands.key, 0, batch, "query"));
  if (operands.key->shape.dim(1) < 1) {
    return FieldError("inputs.key", absl::StrCat("shape is ", operands.key->shape.ToString(),
                                                 "; at least one position is required"));
  }
  if (operands.value == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(CheckAxis("value", *operands.value, 0, batch, "query"));
  return CheckAxis("value", *operands.value, 1, operands.key->shape.dim(1), "key");
}

absl::StatusOr<std::vector<int64_t>> ReadKvLengths(const InputTensor* tensor, int64_t batch,
                                                   int64_t kv_length) {
  std::vector<int64_t> lengths;
  if (tensor == nullptr) return lengths;
  RETURN_IF_ERROR(CheckAxis("kv_lengths", *tensor, 0, batch, "query"));
  if (tensor->type == DType::kI32) {
    const auto values = tensor->view().values<int32_t>();
    lengths.assign(values.begin(), values.end());
  } else {
    const auto values = tensor->view().values<int64_t>();
    lengths.assign(values.begin(), values.end());
  }
  for (size_t row = 0; row < lengths.size(); ++row) {
    if (lengths[row] < 0 || lengths[row] > kv_length) {
      return FieldError("inputs.kv_lengths",
                        absl::StrCat("element ", row, " is ", lengths[row],
                                     "; required is 0 to the key length ", kv_length));
    }
  }
  return lengths;
}

// Projections of queries and keys, and the products of attention.
absl::Status CheckWork(const AttentionLayerCall& call, const ModelInfo& info, double max_flop) {
  const auto batch = static_cast<double>(call.batch);
  const auto queries = static_cast<double>(call.query_length);
  const auto keys = static_cast<double>(call.kv_length);
  const auto hidden = static_cast<double>(info.hidden_size);
  const double flop =
      batch * hidden *
      (4 * queries * hidden + 2 * keys * static_cast<double>(info.key_size + info.value_size) +
       4 * queries * keys);
  if (flop <= max_flop) return absl::OkStatus();
  return FieldError("inputs.query",
                    absl::StrCat("with its keys this is ", flop,
                                 " floating point operations; the limit is ", max_flop));
}

absl::StatusOr<std::unique_ptr<InferOperation>> WithOutputs(const InferInput& input,
                                                            const RequestedOutputs& wanted,
                                                            AttentionLayerCall call,
                                                            std::vector<int64_t> kv_lengths) {
  const std::vector<int64_t> output = {call.batch, call.query_length, input.info->hidden_size};
  const std::vector<int64_t> weights = {call.batch, input.info->num_heads, call.query_length,
                                        call.kv_length};
  ResponseWriter writer(input.response, input.ticket, input.limits.max_message_bytes);
  // The layer always computes `output`; when nobody wants it, it still takes room.
  RETURN_IF_ERROR(writer.Reserve("output", DType::kF32, output));
  if (wanted.Has("weights")) RETURN_IF_ERROR(writer.Reserve("weights", DType::kF32, weights));
  ASSIGN_OR_RETURN(const Shape output_shape, Shape::Create(output));
  ASSIGN_OR_RETURN(const Shape weights_shape, Shape::Create(weights));

  for (const absl::string_view name : wanted.names()) {
    if (name == "weights") {
      call.weights = writer.Add(name, DType::kF32, weights_shape).values<float>().data();
    } else {
      call.output = writer.Add(name, DType::kF32, output_shape).values<float>().data();
    }
  }
  Tensor unwanted_output;
  if (call.output == nullptr) {
    unwanted_output = Tensor(DType::kF32, output_shape);
    call.output = unwanted_output.values<float>().data();
  }
  return std::make_unique<AttentionLayerOperation>(call, std::move(kv_lengths),
                                                   std::move(unwanted_output));
}

}  // namespace

absl::StatusOr<std::unique_ptr<InferOperation>> MakeAttentionLayerOperation(
    const InferInput& input) {
  ASSIGN_OR_RETURN(const InferTensors tensors, ReadTensors(input));
  AttentionLayerCall call;
  RETURN_IF_ERROR(input.parameters.Read("causal", &call.causal));
  RETURN_IF_ERROR(input.parameters.CheckAllKnown());

  const Operands operands = {tensors.inputs.Find("query"), tensors.inputs.Find("key"),
                             tensors.inputs.Find("value")};
  RETURN_IF_ERROR(CheckSelfAttention(operands, *input.info));
  RETURN_IF_ERROR(CheckLengths(operands));
  call.batch = operands.query->shape.dim(0);
  call.query_length = operands.query->shape.dim(1);
  call.kv_length = operands.key == nullptr ? call.query_length : operands.key->shape.dim(1);
  call.query = operands.query->view().values<float>().data();
  if (operands.key != nullptr) call.key = operands.key->view().values<float>().data();
  if (operands.value != nullptr) call.value = operands.value->view().values<float>().data();
  ASSIGN_OR_RETURN(std::vector<int64_t> kv_lengths,
                   ReadKvLengths(tensors.inputs.Find("kv_lengths"), call.batch, call.kv_length));
  RETURN_IF_ERROR(CheckWork(call, *input.info, input.limits.max_attention_flop));
  return WithOutputs(input, tensors.wanted, call, std::move(kv_lengths));
}

}  // namespace attentiond
