// core/models/multi_head_attention_layer.cc -- three projections, attention, one projection.
#include "core/models/multi_head_attention_layer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/attention.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

struct ProjectionViews {
  TensorView weight;  // [E, width of the input]
  TensorView bias;    // [E]; no data: none
};
using InputProjections = std::array<ProjectionViews, 3>;  // of query, key and value

/// A third of the rows of a tensor in which PyTorch stacks the parts of query, key and value.
TensorView PartOf(const TensorView& stacked, size_t index) {
  const int64_t rows = stacked.shape.dim(0) / 3;
  const Shape shape = stacked.shape.rank() == 1 ? Shape{rows} : Shape{rows, stacked.shape.dim(1)};
  return {static_cast<const char*>(stacked.data) + index * (stacked.num_bytes() / 3), stacked.dtype,
          shape};
}

absl::Status FindInputProjections(const MultiHeadAttentionConfig& config,
                                  const Checkpoint& checkpoint, InputProjections* found) {
  const int64_t width = config.embed_dim;
  // PyTorch stacks the three weights exactly when they have the same shape.
  if (config.key_dim == width && config.value_dim == width) {
    ASSIGN_OR_RETURN(const TensorView stacked,
                     checkpoint.Get("in_proj_weight", Shape{3 * width, width}));
    for (size_t i = 0; i < 3; ++i) (*found)[i].weight = PartOf(stacked, i);
  } else {
    auto& [query, key, value] = *found;
    ASSIGN_OR_RETURN(query.weight, checkpoint.Get("q_proj_weight", Shape{width, width}));
    ASSIGN_OR_RETURN(key.weight, checkpoint.Get("k_proj_weight", Shape{width, config.key_dim}));
    ASSIGN_OR_RETURN(value.weight, checkpoint.Get("v_proj_weight", Shape{width, config.value_dim}));
  }
  if (!config.bias) return absl::OkStatus();
  ASSIGN_OR_RETURN(const TensorView stacked, checkpoint.Get("in_proj_bias", Shape{3 * width}));
  for (size_t i = 0; i < 3; ++i) (*found)[i].bias = PartOf(stacked, i);
  return absl::OkStatus();
}

/// `bias` as config.json has it must be what the checkpoint has: a bias left out would go
/// unnoticed.
absl::Status CheckTensors(const MultiHeadAttentionConfig& config, const Checkpoint& checkpoint) {
  for (const char* name : {"bias_k", "bias_v"}) {
    if (checkpoint.Has(name)) {
      return absl::UnimplementedError(
          absl::StrCat("model.safetensors: tensor \"", name, "\" (add_bias_kv) is not supported"));
    }
  }
  for (const char* name : {"in_proj_bias", "out_proj.bias"}) {
    if (!config.bias && checkpoint.Has(name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "config.json: \"bias\" is false, but model.safetensors has the tensor \"", name, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status OutOfRange(absl::string_view field, int64_t found, absl::string_view required) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", found, ", ", required, " is required"));
}

}  // namespace

/// Where the projected operands of one run are, in the context's workspace.
struct MultiHeadAttentionLayer::Operands {
  void* query = nullptr;     // [batch, query_length, E]
  void* key = nullptr;       // [batch, kv_length, E]
  void* value = nullptr;     // [batch, kv_length, E]
  void* attended = nullptr;  // [batch, query_length, E]
};

MultiHeadAttentionLayer::MultiHeadAttentionLayer(const MultiHeadAttentionConfig& config,
                                                 DType compute, Projections projections)
    : config_(config), compute_(compute), projections_(std::move(projections)) {}

absl::StatusOr<MultiHeadAttentionLayer> MultiHeadAttentionLayer::Load(
    const MultiHeadAttentionConfig& config, LinearTypes types, WeightLoader* loader) {
  const Checkpoint& checkpoint = loader->checkpoint();
  RETURN_IF_ERROR(CheckTensors(config, checkpoint));
  InputProjections found;
  RETURN_IF_ERROR(FindInputProjections(config, checkpoint, &found));
  const auto make = [&](const ProjectionViews& views) {
    return loader->MakeLinear(views.weight, views.bias, types);
  };
  ASSIGN_OR_RETURN(Linear query, make(found[0]));
  ASSIGN_OR_RETURN(Linear key, make(found[1]));
  ASSIGN_OR_RETURN(Linear value, make(found[2]));

  ASSIGN_OR_RETURN(const TensorView out_weight,
                   checkpoint.Get("out_proj.weight", Shape{config.embed_dim, config.embed_dim}));
  TensorView out_bias;
  if (config.bias) {
    ASSIGN_OR_RETURN(out_bias, checkpoint.Get("out_proj.bias", Shape{config.embed_dim}));
  }
  ASSIGN_OR_RETURN(Linear output, loader->MakeLinear(out_weight, out_bias, types));
  return MultiHeadAttentionLayer(
      config, types.activations,
      {std::move(query), std::move(key), std::move(value), std::move(output)});
}

absl::Status MultiHeadAttentionLayer::Validate(const AttentionLayerCall& call) const {
  if (call.batch < 0) return OutOfRange("batch", call.batch, "0 or more");
  if (call.query_length < 0) return OutOfRange("query_length", call.query_length, "0 or more");
  if (call.kv_length < 0) return OutOfRange("kv_length", call.kv_length, "0 or more");
  // One bound for all the sizes below: Shape refuses what would overflow.
  const int64_t width = std::max({config_.embed_dim, config_.key_dim, config_.value_dim});
  for (const int64_t columns : {width, call.kv_length}) {
    RETURN_IF_ERROR(Shape::Create({call.batch, std::max(call.query_length, call.kv_length), columns,
                                   config_.num_heads})
                        .status());
  }
  if (call.key == nullptr) {
    if (call.value != nullptr) {
      return absl::InvalidArgumentError("value is given without key; key is required with it");
    }
    if (call.kv_length != call.query_length) {
      return OutOfRange("kv_length", call.kv_length,
                        absl::StrCat("without key, query_length ", call.query_length));
    }
    if (config_.key_dim != config_.embed_dim) {
      return absl::InvalidArgumentError(absl::StrCat("key is required: kdim ", config_.key_dim,
                                                     " is not the query's embed_dim ",
                                                     config_.embed_dim));
    }
  }
  if (call.value == nullptr && config_.value_dim != config_.key_dim) {
    return absl::InvalidArgumentError(absl::StrCat("value is required: vdim ", config_.value_dim,
                                                   " is not kdim ", config_.key_dim));
  }
  if (call.kv_lengths.empty()) return absl::OkStatus();
  if (static_cast<int64_t>(call.kv_lengths.size()) != call.batch) {
    return OutOfRange("the number of kv_lengths", static_cast<int64_t>(call.kv_lengths.size()),
                      absl::StrCat("batch ", call.batch));
  }
  for (size_t row = 0; row < call.kv_lengths.size(); ++row) {
    if (call.kv_lengths[row] < 0 || call.kv_lengths[row] > call.kv_length) {
      return OutOfRange(absl::StrCat("kv_lengths[", row, "]"), call.kv_lengths[row],
                        absl::StrCat("0 to kv_length ", call.kv_length));
    }
  }
  return absl::OkStatus();
}

absl::Status MultiHeadAttentionLayer::Run(const AttentionLayerCall& call,
                                          ExecutionContext& context) const {
  RETURN_IF_ERROR(Validate(call));
  const int64_t query_rows = call.batch * call.query_length;
  const int64_t kv_rows = call.batch * call.kv_length;
  const size_t row_bytes = static_cast<size_t>(config_.embed_dim) * ByteSize(compute_);
  const size_t query_bytes = static_cast<size_t>(query_rows) * row_bytes;
  const size_t kv_bytes = static_cast<size_t>(kv_rows) * row_bytes;

  Workspace& workspace = context.workspace();
  Operands at;
  at.query = workspace.Get(Workspace::Slot::kHidden, query_bytes);
  at.key = workspace.Get(Workspace::Slot::kProjection, 2 * kv_bytes);
  at.value = static_cast<char*>(at.key) + kv_bytes;
  at.attended = workspace.Get(Workspace::Slot::kAttentionOutput, query_bytes);

  const float* key = call.key != nullptr ? call.key : call.query;
  const float* value = call.value != nullptr ? call.value : key;
  RETURN_IF_ERROR(Project(projections_.query, call.query, query_rows, at.query, context));
  RETURN_IF_ERROR(Project(projections_.key, key, kv_rows, at.key, context));
  RETURN_IF_ERROR(Project(projections_.value, value, kv_rows, at.value, context));
  RETURN_IF_ERROR(Attend(call, at, context));
  return ProjectOutput(call, at.attended, context);
}

absl::Status MultiHeadAttentionLayer::Project(const Linear& linear, const float* x, int64_t rows,
                                              void* y, ExecutionContext& context) const {
  const void* input = x;
  if (compute_ == DType::kBF16) {
    const auto count = static_cast<size_t>(rows * linear.in_features());
    auto* rounded = static_cast<BFloat16*>(
        context.workspace().Get(Workspace::Slot::kIntermediate, count * sizeof(BFloat16)));
    ToBFloat16s({x, count}, rounded);
    input = rounded;
  }
  return linear.Run({.x = input,
                     .x_stride = linear.in_features(),
                     .y = y,
                     .y_stride = linear.out_features(),
                     .rows = rows},
                    context);
}

absl::Status MultiHeadAttentionLayer::Attend(const AttentionLayerCall& call, const Operands& at,
                                             ExecutionContext& context) const {
  const int64_t width = config_.embed_dim;
  const int64_t head_dim = config_.head_dim();
  const int64_t query_stride = call.query_length * width;
  const int64_t kv_stride = call.kv_length * width;
  AttentionArgs args;
  args.batch = call.batch;
  args.num_heads = args.num_kv_heads = config_.num_heads;
  args.head_dim = args.value_dim = head_dim;
  args.dtype = compute_;
  args.query_lengths.dense_length = call.query_length;
  args.kv_lengths.dense_length = call.kv_length;
  args.query = {at.query, query_stride, head_dim, width};
  args.key = {at.key, kv_stride, head_dim, width};
  args.value = {at.value, kv_stride, head_dim, width};
  args.causal = call.causal;
  args.valid_kv = call.kv_lengths;

  AttentionOutputs outputs;
  outputs.output = {at.attended, query_stride, head_dim, width};
  if (call.weights != nullptr) {
    outputs.weights = call.weights;
    outputs.weights_query_stride = call.kv_length;
    outputs.weights_head_stride = call.query_length * call.kv_length;
    outputs.weights_batch_stride = config_.num_heads * outputs.weights_head_stride;
  }
  return Attention(args, outputs, context);
}

absl::Status MultiHeadAttentionLayer::ProjectOutput(const AttentionLayerCall& call,
                                                    const void* attended,
                                                    ExecutionContext& context) const {
  const int64_t width = config_.embed_dim;
  const int64_t rows = call.batch * call.query_length;
  const auto count = static_cast<size_t>(rows * width);
  const bool rounds = compute_ == DType::kBF16;
  void* y = rounds ? context.workspace().Get(Workspace::Slot::kNormed, count * sizeof(BFloat16))
                   : call.output;
  RETURN_IF_ERROR(projections_.output.Run(
      {.x = attended, .x_stride = width, .y = y, .y_stride = width, .rows = rows}, context));
  if (rounds) ToFloats({y, DType::kBF16, Shape{rows, width}}, 0, {call.output, count});
  return absl::OkStatus();
}

}  // namespace attentiond
