// core/models/multi_head_attention_layer.h -- one multi-head attention layer: queries, keys and
// values by linear transformations, attention, and a linear transformation of the heads' outputs.
#pragma once

#include "absl/status/statusor.h"
#include "core/models/attention_layer_call.h"
#include "core/models/multi_head_attention_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// The state dict of a torch.nn.MultiheadAttention: in_proj_weight [3E, E], or q_proj_weight,
/// k_proj_weight and v_proj_weight when kdim or vdim is not embed_dim; in_proj_bias [3E] and
/// out_proj. Immutable; may be shared by contexts.
///
/// Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
class MultiHeadAttentionLayer {
 public:
  /// kInvalidArgument: a tensor is missing or has another shape. kUnimplemented: bias_k or bias_v.
  static absl::StatusOr<MultiHeadAttentionLayer> Load(const MultiHeadAttentionConfig& config,
                                                      LinearTypes types, WeightLoader* loader);

  /// As torch's forward() with average_attn_weights=False, with two differences: `causal` aligns
  /// the last query with the last key, and a query that sees no key attends to nothing (its output
  /// is out_proj's bias, its weights are zero) where torch makes NaN.
  /// kInvalidArgument names the field, what was found and what is required.
  absl::Status Run(const AttentionLayerCall& call, ExecutionContext& context) const;

 private:
  struct Operands;
  struct Projections {
    Linear query, key, value, output;
  };
  MultiHeadAttentionLayer(const MultiHeadAttentionConfig& config, DType compute,
                          Projections projections);

  absl::Status Validate(const AttentionLayerCall& call) const;
  absl::Status Project(const Linear& linear, const float* x, int64_t rows, void* y,
                       ExecutionContext& context) const;
  absl::Status Attend(const AttentionLayerCall& call, const Operands& at,
                      ExecutionContext& context) const;
  absl::Status ProjectOutput(const AttentionLayerCall& call, const void* attended,
                             ExecutionContext& context) const;

  MultiHeadAttentionConfig config_;
  DType compute_;
  Projections projections_;
};

}  // namespace attentiond
