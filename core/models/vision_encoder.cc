// core/models/vision_encoder.cc -- patches as rows of a linear layer, then an encoder's layers.
#include "core/models/vision_encoder.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

/// What comes before the names: of a model alone, with a head, or with a decoder.
std::string PrefixIn(const VisionFamily& family, const Checkpoint& checkpoint) {
  for (const std::string& prefix :
       {std::string(), std::string(family.layers.prefix), std::string("encoder.")}) {
    if (checkpoint.Has(prefix + family.first_token)) return prefix;
  }
  return family.layers.prefix;  // what is missing is named with it
}

/// The convolution of patches that do not overlap is a linear layer of their values.
absl::StatusOr<Linear> LoadPatches(const VisionConfig& config, const std::string& name, DType type,
                                   WeightLoader* loader) {
  const int64_t hidden = config.layers.hidden_size;
  const Checkpoint& checkpoint = loader->checkpoint();
  ASSIGN_OR_RETURN(
      TensorView weight,
      checkpoint.Get(name + ".weight",
                     Shape{hidden, config.channels, config.patch.height, config.patch.width}));
  ASSIGN_OR_RETURN(const TensorView bias, checkpoint.Get(name + ".bias", Shape{hidden}));
  weight.shape = Shape{hidden, config.patch_values()};
  return loader->MakeLinear(weight, bias, type);
}

/// What is added to the tokens of every picture.
absl::StatusOr<std::vector<float>> LoadEmbeddings(const VisionConfig& config,
                                                  const std::string& prefix, WeightLoader* loader) {
  const VisionFamily& family = *config.family;
  const int64_t hidden = config.layers.hidden_size;
  ASSIGN_OR_RETURN(
      std::vector<float> embeddings,
      loader->LoadFloats(prefix + family.positions, Shape{1, config.tokens(), hidden}));
  float* sum = embeddings.data();
  for (const char* name : {family.first_token, family.second_token}) {
    if (name == nullptr) continue;
    ASSIGN_OR_RETURN(const std::vector<float> token,
                     loader->LoadFloats(prefix + name, Shape{1, 1, hidden}));
    for (const float value : token) *sum++ += value;
  }
  return embeddings;
}

void Store(absl::Span<const float> floats, DType type, void* to) {
  if (type == DType::kBF16) {
    ToBFloat16s(floats, static_cast<BFloat16*>(to));
  } else {
    std::memcpy(to, floats.data(), floats.size() * sizeof(float));
  }
}

}  // namespace

absl::StatusOr<VisionEncoder> VisionEncoder::Load(const VisionConfig& config, LinearTypes types,
                                                  WeightLoader* loader) {
  const std::string prefix = PrefixIn(*config.family, loader->checkpoint());
  ASSIGN_OR_RETURN(Linear patches,
                   LoadPatches(config, prefix + config.family->patches, types.activations, loader));
  ASSIGN_OR_RETURN(std::vector<float> embeddings, LoadEmbeddings(config, prefix, loader));
  ASSIGN_OR_RETURN(EncoderLayers layers, EncoderLayers::Load(config.layers, prefix, types, loader));
  return VisionEncoder(config, types.activations, std::move(patches), std::move(embeddings),
                       std::move(layers));
}

absl::StatusOr<TensorView> VisionEncoder::Run(const VisionBatch& batch,
                                              ExecutionContext& context) const {
  RETURN_IF_ERROR(Embed(batch, context));
  std::vector<int64_t> cumulative;
  for (size_t picture = 0; picture <= batch.pixels.size(); ++picture) {
    cumulative.push_back(static_cast<int64_t>(picture) * config_.tokens());
  }
  EncoderBatch tokens;
  tokens.cumulative = cumulative;
  tokens.attentions = batch.attentions;
  tokens.first_token_rows = batch.first_token_rows;
  return layers_.Run(tokens, context);
}

/// [B * patches, patch values]: of each patch its channels, and of each channel its rows.
void VisionEncoder::Unfold(const VisionBatch& batch, void* patches,
                           ExecutionContext& context) const {
  const int64_t height = config_.patch.height, width = config_.patch.width;
  const int64_t rows = config_.rows(), columns = config_.columns();
  const auto strips = static_cast<int64_t>(batch.pixels.size()) * rows;
  context.threads().ParallelFor(strips, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t strip = begin; strip < end; ++strip) {
      const float* const pixels = batch.pixels[static_cast<size_t>(strip / rows)];
      auto* to = static_cast<char*>(patches) +
                 static_cast<size_t>(strip * columns * config_.patch_values()) * ByteSize(compute_);
      for (int64_t column = 0; column < columns; ++column) {
        for (int64_t line = 0; line < config_.channels * height; ++line) {
          const int64_t channel = line / height;
          const int64_t y = strip % rows * height + line % height;
          const float* const from =
              pixels + (channel * config_.image.height + y) * config_.image.width + column * width;
          Store({from, static_cast<size_t>(width)}, compute_, to);
          to += static_cast<size_t>(width) * ByteSize(compute_);
        }
      }
    }
  });
}

absl::Status VisionEncoder::Embed(const VisionBatch& batch, ExecutionContext& context) const {
  const int64_t hidden = config_.layers.hidden_size, tokens = config_.tokens();
  const int64_t stride = layers_.stride();
  const auto pictures = static_cast<int64_t>(batch.pixels.size());
  const size_t row_bytes = static_cast<size_t>(stride) * ByteSize(compute_);
  const size_t patch_bytes = static_cast<size_t>(config_.patch_values()) * ByteSize(compute_);
  auto* const patches = static_cast<char*>(
      context.workspace().Get(Workspace::Slot::kProjection,
                              static_cast<size_t>(pictures * config_.patches()) * patch_bytes));
  Unfold(batch, patches, context);
  auto* const states = static_cast<char*>(layers_.InputFor(pictures * tokens, context));
  for (int64_t picture = 0; picture < pictures; ++picture) {
    char* const first = states + static_cast<size_t>(picture * tokens) * row_bytes;
    for (int64_t token = 0; token < tokens; ++token) {
      Store(absl::MakeConstSpan(embeddings_)
                .subspan(static_cast<size_t>(token * hidden), static_cast<size_t>(hidden)),
            compute_, first + static_cast<size_t>(token) * row_bytes);
    }
    char* const y = first + static_cast<size_t>(config_.leading_tokens()) * row_bytes;
    RETURN_IF_ERROR(
        patches_.Run({.x = patches + static_cast<size_t>(picture * config_.patches()) * patch_bytes,
                      .x_stride = config_.patch_values(),
                      .y = y,
                      .y_stride = stride,
                      .rows = config_.patches(),
                      .residual = y},
                     context));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
