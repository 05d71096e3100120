// core/engine/attention_layer_model.cc -- loads and runs one attention layer.
#include "core/engine/attention_layer_model.h"

#include <utility>

#include "core/base/status_macros.h"
#include "core/engine/checked_load.h"
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
  const auto load = [&config](LinearTypes in, WeightLoader* weights) {
    return MultiHeadAttentionLayer::Load(config, in, weights);
  };
  const auto run = [&config](const MultiHeadAttentionLayer& layer) {
    return RunCanary(config, layer);
  };
  ASSIGN_OR_RETURN(auto checked, LoadChecked(types, checkpoint, &loader, load, run));
  info.int8_cosine = checked.int8_cosine;
  info.weight_bytes = loader.loaded_bytes();
  return std::make_shared<const AttentionLayerModel>(std::move(info), std::move(checked.model));
}

}  // namespace attentiond
