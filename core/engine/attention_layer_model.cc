// core/engine/attention_layer_model.cc -- loads and runs one attention layer.
#include "core/engine/attention_layer_model.h"

#include <utility>

#include "core/base/status_macros.h"
#include "core/engine/int8_check.h"
#include "core/engine/precision.h"
#include "core/models/multi_head_attention_layer.h"

namespace attentiond {
namespace {

class AttentionLayerModel final : public Model, public AttentionLayer {
 public:
  AttentionLayerModel(ModelInfo info, MultiHeadAttentionLayer layer)
      : info_(std::move(info)), layer_(std::move(layer)) {}

  const ModelInfo& info() const override { return info_; }
  const AttentionLayer* AsAttentionLayer() const override { return this; }
  absl::Status Run(const AttentionLayerCall& call, ExecutionContext& context) const override {
    return layer_.Run(call, context);
  }

 private:
  const ModelInfo info_;
  const MultiHeadAttentionLayer layer_;
};

absl::StatusOr<double> CheckInt8(const MultiHeadAttentionConfig& config,
                                 const Checkpoint& checkpoint,
                                 const MultiHeadAttentionLayer& layer) {
  WeightLoader loader(&checkpoint);
  ASSIGN_OR_RETURN(const MultiHeadAttentionLayer in_f32,
                   MultiHeadAttentionLayer::Load(config, DType::kF32, &loader));
  ASSIGN_OR_RETURN(const CanaryOutputs expected, RunCanary(config, in_f32));
  ASSIGN_OR_RETURN(const CanaryOutputs outputs, RunCanary(config, layer));
  return CompareInt8(outputs, expected);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadAttentionLayer(const Checkpoint& checkpoint,
                                                                const LoadOptions& options) {
  ASSIGN_OR_RETURN(const MultiHeadAttentionConfig config,
                   ParseMultiHeadAttentionConfig(checkpoint.config()));
  ModelInfo info;
  info.kind = ModelKind::kAttentionLayer;
  info.architecture = "multihead_attention";
  const LinearTypes types =
      ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16);
  info.compute = types.weights;
  info.hidden_size = config.embed_dim;
  info.num_layers = 1;
  info.num_heads = config.num_heads;
  info.key_size = config.key_dim;
  info.value_size = config.value_dim;

  WeightLoader loader(&checkpoint);
  ASSIGN_OR_RETURN(MultiHeadAttentionLayer layer,
                   MultiHeadAttentionLayer::Load(config, types, &loader));
  if (types.weights == DType::kI8) {
    ASSIGN_OR_RETURN(info.int8_cosine, CheckInt8(config, checkpoint, layer));
  }
  info.weight_bytes = loader.loaded_bytes();
  return std::make_shared<const AttentionLayerModel>(std::move(info), std::move(layer));
}

}  // namespace attentiond
