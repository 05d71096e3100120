// core/models/image_classification.cc -- one linear layer, or two of which the mean is taken.
#include "core/models/image_classification.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/models/float_conversion.h"
#include "core/ops/workspace.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

/// Whether the first of `architectures` is the one with a teacher.
absl::StatusOr<bool> ParseArchitecture(const VisionFamily& family, const nlohmann::json& json) {
  const std::string plain = absl::StrCat(family.layers.class_name, "ForImageClassification");
  const std::string with_teacher = absl::StrCat(plain, "WithTeacher");
  const auto found = json.find("architectures");
  if (found == json.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"architectures\" must be an array with a class name, such as [\"", plain, "\"]"));
  }
  const auto name = found->front().get<std::string>();
  if (name == plain) return false;
  const bool can_have_teacher = family.second_token != nullptr;
  if (can_have_teacher && name == with_teacher) return true;
  return absl::UnimplementedError(
      absl::StrCat("\"architectures\" ", Quoted(name), " is not supported (supported: ", plain,
                   can_have_teacher ? absl::StrCat(", ", with_teacher) : std::string(), ")"));
}

absl::StatusOr<ImageClassificationConfig> Parse(const VisionFamily& family,
                                                const nlohmann::json& json) {
  ImageClassificationConfig config;
  ASSIGN_OR_RETURN(config.has_teacher, ParseArchitecture(family, json));
  ASSIGN_OR_RETURN(config.vision, ParseVisionConfig(family, json));
  ASSIGN_OR_RETURN(config.labels, ParseLabelConfig(json));
  return config;
}

}  // namespace

absl::StatusOr<ImageClassificationConfig> ParseImageClassificationConfig(
    const VisionFamily& family, const nlohmann::json& json) {
  absl::StatusOr<ImageClassificationConfig> config = Parse(family, json);
  if (config.ok()) return config;
  return InConfigJson(config.status());
}

absl::StatusOr<ImageClassificationHead> ImageClassificationHead::Load(
    const ImageClassificationConfig& config, WeightLoader* loader) {
  const auto labels = static_cast<int64_t>(config.labels.labels.size());
  std::vector<std::string> names = {"classifier"};
  if (config.has_teacher) names = {"cls_classifier", "distillation_classifier"};
  std::vector<Linear> heads;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(Linear head, loader->LoadLinear(name, labels, config.vision.layers.hidden_size,
                                                     DType::kF32));
    heads.push_back(std::move(head));
  }
  return ImageClassificationHead(std::move(heads));
}

absl::StatusOr<std::vector<std::vector<float>>> ImageClassificationHead::Run(
    const TensorView& hidden, int64_t pictures, int64_t stride, ExecutionContext& context) const {
  const int64_t width = heads_.front().in_features(), labels = heads_.front().out_features();
  const auto count = static_cast<size_t>(pictures * width);
  const absl::Span<float> tokens(
      static_cast<float*>(context.workspace().Get(Workspace::Slot::kNormed, count * sizeof(float))),
      count);
  std::vector<float> all(static_cast<size_t>(pictures * labels));
  std::vector<std::vector<float>> logits(static_cast<size_t>(pictures),
                                         std::vector<float>(static_cast<size_t>(labels)));
  for (size_t head = 0; head < heads_.size(); ++head) {
    for (int64_t picture = 0; picture < pictures; ++picture) {
      ToFloats(hidden, (picture * stride + static_cast<int64_t>(head)) * width,
               tokens.subspan(static_cast<size_t>(picture * width), static_cast<size_t>(width)));
    }
    RETURN_IF_ERROR(heads_[head].Run({.x = tokens.data(),
                                      .x_stride = width,
                                      .y = all.data(),
                                      .y_stride = labels,
                                      .rows = pictures},
                                     context));
    for (size_t i = 0; i < all.size(); ++i) {
      logits[i / static_cast<size_t>(labels)][i % static_cast<size_t>(labels)] +=
          all[i] / static_cast<float>(heads_.size());
    }
  }
  return logits;
}

}  // namespace attentiond
