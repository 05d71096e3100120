// core/engine/image_classifier_model.cc -- loads an encoder of pictures and its head, and runs
// them.
#include "core/engine/image_classifier_model.h"

#include <utility>

#include "core/base/status_macros.h"
#include "core/engine/checked_load.h"
#include "core/engine/image_classifier.h"
#include "core/engine/load_image_processor.h"
#include "core/engine/precision.h"
#include "core/models/image_classification.h"
#include "core/models/vision_encoder.h"

namespace attentiond {
namespace {

class ImageClassifierModel final : public Model, public ImageClassifier {
 public:
  struct Parts {
    ModelInfo info;
    std::unique_ptr<const ImageProcessor> processor;
    VisionEncoder encoder;
    ImageClassificationHead head;
  };
  explicit ImageClassifierModel(Parts parts) : parts_(std::move(parts)) {}

  const ModelInfo& info() const override { return parts_.info; }
  const ImageClassifier* AsImageClassifier() const override { return this; }
  const ImageProcessor* image_processor() const override { return parts_.processor.get(); }

  absl::Status Run(absl::Span<const float* const> pixels, ExecutionContext& context,
                   std::vector<std::vector<float>>* logits) const override {
    logits->clear();
    if (pixels.empty()) return absl::OkStatus();
    const bool first_only = parts_.head.ReadsFirstTokenOnly();
    ASSIGN_OR_RETURN(
        const TensorView hidden,
        parts_.encoder.Run({.pixels = pixels, .first_token_rows = first_only ? pixels.size() : 0},
                           context));
    ASSIGN_OR_RETURN(*logits,
                     parts_.head.Run(hidden, static_cast<int64_t>(pixels.size()),
                                     first_only ? 1 : parts_.encoder.config().tokens(), context));
    return absl::OkStatus();
  }

 private:
  const Parts parts_;
};

ModelInfo InfoOf(const ImageClassificationConfig& config, DType compute) {
  const VisionConfig& vision = config.vision;
  ModelInfo info;
  info.kind = ModelKind::kImageClassification;
  info.architecture = vision.family->layers.model_type;
  info.compute = compute;
  info.hidden_size = vision.layers.hidden_size;
  info.num_layers = vision.layers.num_layers;
  info.num_heads = vision.layers.num_heads;
  info.max_length = vision.tokens();
  info.image = vision.image;
  info.labels = config.labels.labels;
  info.score_function = config.labels.score_function;
  return info;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadImageClassifier(const Checkpoint& checkpoint,
                                                                 const VisionFamily& family,
                                                                 const LoadOptions& options) {
  ASSIGN_OR_RETURN(const ImageClassificationConfig config,
                   ParseImageClassificationConfig(family, checkpoint.config()));
  ASSIGN_OR_RETURN(std::unique_ptr<const ImageProcessor> processor,
                   LoadImageProcessor(checkpoint.directory(), config.vision));
  const LinearTypes types =
      ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16);
  WeightLoader loader(&checkpoint);
  const auto load = [&config](LinearTypes in, WeightLoader* weights) {
    return VisionEncoder::Load(config.vision, in, weights);
  };
  const auto run = [](const VisionEncoder& encoder) { return RunCanary(encoder); };
  ASSIGN_OR_RETURN(auto checked, LoadChecked(types, checkpoint, &loader, load, run));
  ASSIGN_OR_RETURN(ImageClassificationHead head, ImageClassificationHead::Load(config, &loader));
  ModelInfo info = InfoOf(config, types.weights);
  info.int8_cosine = checked.int8_cosine;
  info.weight_bytes = loader.loaded_bytes();
  return std::make_shared<const ImageClassifierModel>(ImageClassifierModel::Parts{
      std::move(info), std::move(processor), std::move(checked.model), std::move(head)});
}

}  // namespace attentiond
