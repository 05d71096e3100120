// server/grpc/infer_attention.cc -- the built-in model "attention" over KServe v2.
#include <utility>

#include "core/base/status_macros.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/model_signature.h"
#include "server/grpc/tensor_conversion.h"
#include "server/inference/attention_validation.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

const ModelSignature& Signature() {
  static const ModelSignature* const signature = new ModelSignature(SignatureOf(nullptr));
  return *signature;
}

class AttentionOperation final : public InferOperation {
 public:
  /// `unwanted_output`: where the kernel's output goes when the request did not ask for it.
  AttentionOperation(ValidAttention valid, const AttentionOutputs& outputs, Tensor unwanted_output)
      : valid_(std::move(valid)), outputs_(outputs), unwanted_output_(std::move(unwanted_output)) {}

  int64_t rows() const override { return 1; }

  void Run(Inference* inference, std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
           InferDone done) override {
    inference->Attend(std::move(model), std::move(call),
                      {.args = valid_.args, .outputs = outputs_, .tokens = valid_.tokens},
                      [done = std::move(done)](absl::Status status, const CallTiming& timing) {
                        done(std::move(status), timing, absl::ZeroDuration());
                      });
  }

 private:
  const ValidAttention valid_;
  const AttentionOutputs outputs_;
  const Tensor unwanted_output_;
};

// Adds the wanted outputs to the response, in the order wanted; the kernel writes into them.
absl::StatusOr<std::unique_ptr<InferOperation>> WithOutputs(const InferInput& input,
                                                            const RequestedOutputs& wanted,
                                                            ValidAttention valid) {
  const DType dtype = valid.args.dtype;
  ResponseWriter writer(input.response, input.ticket, input.limits.max_message_bytes);
  // The kernel always computes `output`; when nobody wants it, it still takes room.
  RETURN_IF_ERROR(writer.Reserve("output", dtype, valid.output.dims()));
  if (wanted.Has("weights")) {
    RETURN_IF_ERROR(writer.Reserve("weights", DType::kF32, valid.weights.dims()));
  }
  if (wanted.Has("lse")) RETURN_IF_ERROR(writer.Reserve("lse", DType::kF32, valid.lse.dims()));

  void* output = nullptr;
  float* weights = nullptr;
  float* lse = nullptr;
  for (const absl::string_view name : wanted.names()) {
    if (name == "weights") {
      weights = writer.Add(name, DType::kF32, valid.weights).values<float>().data();
    } else if (name == "lse") {
      lse = writer.Add(name, DType::kF32, valid.lse).values<float>().data();
    } else {
      output = writer.Add(name, dtype, valid.output).data;
    }
  }
  Tensor unwanted_output;
  if (output == nullptr) {
    unwanted_output = Tensor(dtype, valid.output);
    output = unwanted_output.mutable_view().data;
  }
  const AttentionOutputs outputs = valid.Outputs(output, weights, lse);
  return std::make_unique<AttentionOperation>(std::move(valid), outputs,
                                              std::move(unwanted_output));
}

absl::StatusOr<AttentionOptions> ReadOptions(InferParameters& parameters) {
  AttentionOptions options;
  RETURN_IF_ERROR(parameters.Read("scale", &options.scale));
  RETURN_IF_ERROR(parameters.Read("causal", &options.causal));
  RETURN_IF_ERROR(parameters.Read("window", &options.window));
  RETURN_IF_ERROR(parameters.Read("softcap", &options.softcap));
  RETURN_IF_ERROR(parameters.CheckAllKnown());
  return options;
}

std::optional<TensorView> OptionalView(const InputTensors& inputs, absl::string_view name) {
  const InputTensor* const tensor = inputs.Find(name);
  if (tensor == nullptr) return std::nullopt;
  return tensor->view();
}

// The path of a field that ValidateAttention() names, in this protocol.
absl::Status InRequest(const absl::Status& status) {
  const std::string field = FieldOf(status);
  const bool is_input = FindSpec(Signature().inputs, field) != nullptr;
  return InField(is_input ? "inputs" : "parameters", status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<InferOperation>> MakeAttentionOperation(const InferInput& input) {
  const ModelSignature& signature = Signature();
  ASSIGN_OR_RETURN(const InputTensors inputs,
                   InputTensors::Read(input.request, signature.inputs, /*max_rows=*/-1));
  ASSIGN_OR_RETURN(const RequestedOutputs wanted,
                   RequestedOutputs::Read(input.request, signature.outputs));
  ASSIGN_OR_RETURN(AttentionOptions options, ReadOptions(input.parameters));
  options.want_weights = wanted.Has("weights");
  options.want_lse = wanted.Has("lse");

  const AttentionTensors tensors = {.query = inputs.Find("query")->view(),
                                    .key = inputs.Find("key")->view(),
                                    .value = inputs.Find("value")->view(),
                                    .mask = OptionalView(inputs, "mask"),
                                    .bias = OptionalView(inputs, "bias"),
                                    .kv_lengths = OptionalView(inputs, "kv_lengths")};
  auto valid = ValidateAttention(tensors, options,
                                 {.max_output_bytes = input.limits.max_message_bytes,
                                  .max_flop = input.limits.max_attention_flop});
  if (!valid.ok()) return InRequest(valid.status());
  return WithOutputs(input, wanted, *std::move(valid));
}

}  // namespace attentiond
