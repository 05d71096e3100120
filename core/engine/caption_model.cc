// core/engine/caption_model.cc -- an encoder of pictures and a decoder of text.
#include "core/engine/caption_model.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/checked_load.h"
#include "core/engine/generator_canary.h"
#include "core/engine/generator_parts.h"
#include "core/engine/load_image_processor.h"
#include "core/engine/precision.h"
#include "core/engine/text_generator.h"
#include "core/models/seq2seq/caption_config.h"
#include "core/models/seq2seq/seq2seq_loader.h"
#include "core/models/vision_encoder.h"
#include "core/text/tokenizer.h"
#include "core/vision/image_processor.h"
#include "core/vision/preprocessor_config.h"

namespace attentiond {
namespace {

class CaptionModel final : public Model, public TextGenerator, public SourceModel {
 public:
  struct Parts {
    ModelInfo info;
    GenerationOptions defaults;
    std::unique_ptr<const Tokenizer> tokenizer;
    std::unique_ptr<const ImageProcessor> processor;
    VisionEncoder encoder;
    Decoder decoder;
  };
  explicit CaptionModel(Parts parts) : parts_(std::move(parts)) {}

  const ModelInfo& info() const override { return parts_.info; }
  const TextGenerator* AsTextGenerator() const override { return this; }

  const ImageProcessor* image_processor() const override { return parts_.processor.get(); }
  const GenerationOptions& default_options() const override { return parts_.defaults; }
  int64_t max_source_length() const override { return 0; }
  int64_t max_target_length() const override { return parts_.decoder.config().max_tokens; }
  absl::Status Validate(const GenerationInput& input) const override;
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const override {
    return parts_.tokenizer->Decode(ids, /*skip_special_tokens=*/true);
  }
  std::string TokenText(int32_t id) const override {
    return std::string(parts_.tokenizer->Token(id));
  }
  std::unique_ptr<Generation> NewGeneration(int64_t cache_bytes) const override {
    return MakeGeneration(*this, parts_.decoder, parts_.encoder.config().tokens(), cache_bytes);
  }

  int64_t SourceLength(const GenerationInput&) const override {
    return parts_.encoder.config().tokens();
  }
  absl::StatusOr<TensorView> Encode(absl::Span<const GenerationInput* const> inputs,
                                    ExecutionContext& context) const override {
    std::vector<const float*> pixels;
    for (const GenerationInput* const input : inputs) pixels.push_back(input->pixels.data());
    return parts_.encoder.Run({.pixels = pixels}, context);
  }

 private:
  const Parts parts_;
};

absl::Status CaptionModel::Validate(const GenerationInput& input) const {
  const VisionConfig& vision = parts_.encoder.config();
  const auto values = static_cast<int64_t>(input.pixels.size());
  if (values != vision.image_values()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the picture has ", values, " values, ", vision.image_values(), " (", vision.channels,
        " x ", vision.image.height, " x ", vision.image.width, ") are required"));
  }
  return CheckGenerationInput(input, parts_.decoder.vocab_size(), max_target_length());
}

ModelInfo InfoOf(const CaptionConfig& config, const std::string& type, DType compute) {
  ModelInfo info;
  info.kind = ModelKind::kCaptioning;
  info.architecture = type;
  info.compute = compute;
  info.hidden_size = config.vision.layers.hidden_size;
  info.num_layers = config.decoder.num_layers;
  info.num_heads = config.decoder.num_heads;
  info.max_length = config.vision.tokens();
  info.image = config.vision.image;
  info.vocab_size = config.decoder.vocab_size;
  return info;
}

struct Networks {
  VisionEncoder encoder;
  Decoder decoder;
};

absl::StatusOr<Networks> LoadNetworks(const CaptionConfig& config, LinearTypes types,
                                      WeightLoader* loader) {
  ASSIGN_OR_RETURN(VisionEncoder encoder, VisionEncoder::Load(config.vision, types, loader));
  ASSIGN_OR_RETURN(Decoder decoder, LoadCaptionDecoder(config, types, loader));
  return Networks{std::move(encoder), std::move(decoder)};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadCaptionModel(const Checkpoint& checkpoint,
                                                              const LoadOptions& options) {
  const std::string& directory = checkpoint.directory();
  ASSIGN_OR_RETURN(const CaptionConfig config, ParseCaptionConfig(checkpoint.config()));
  const LinearTypes types =
      ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16);
  WeightLoader loader(&checkpoint);
  const auto load = [&config](LinearTypes in, WeightLoader* weights) {
    return LoadNetworks(config, in, weights);
  };
  const auto run = [](const Networks& networks) {
    return RunCanary(networks.encoder, networks.decoder);
  };
  ASSIGN_OR_RETURN(auto checked, LoadChecked(types, checkpoint, &loader, load, run));
  ASSIGN_OR_RETURN(GenerationOptions defaults, LoadGeneratorOptions(directory, config.decoder));
  if (config.start_token) defaults.decoder_start_token_id = *config.start_token;
  if (config.end_token) defaults.eos_token_id = {*config.end_token};
  ASSIGN_OR_RETURN(std::unique_ptr<const ImageProcessor> processor,
                   LoadImageProcessor(directory, config.vision));
  if (processor == nullptr) {
    return absl::NotFoundError(absl::StrCat(directory, ": preprocessor_config.json is missing"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Load(directory));
  ModelInfo info = InfoOf(config, checkpoint.config().value("model_type", ""), types.weights);
  info.int8_cosine = checked.int8_cosine;
  info.tokenizer = "tokenizer.json";
  info.weight_bytes = loader.loaded_bytes();
  return std::make_shared<const CaptionModel>(CaptionModel::Parts{
      std::move(info), std::move(defaults), std::move(tokenizer), std::move(processor),
      std::move(checked.model.encoder), std::move(checked.model.decoder)});
}

}  // namespace attentiond
