// core/models/image_classification.h -- labels of pictures: what config.json says, and the head.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/label_config.h"
#include "core/models/vision_config.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"

namespace attentiond {

struct ImageClassificationConfig {
  VisionConfig vision;
  LabelConfig labels;
  bool has_teacher = false;  ///< DeiT's: a second head reads the second token
};

/// Parses config.json of a family's ...ForImageClassification, or of DeiT's ...WithTeacher. Errors
/// as ParseEncoderConfig(); every message begins with "config.json: ".
absl::StatusOr<ImageClassificationConfig> ParseImageClassificationConfig(
    const VisionFamily& family, const nlohmann::json& json);

/// Logits from a picture's first token; with a teacher the mean of its and the second token's.
/// Computes in f32 whatever the encoder computes in. Immutable.
class ImageClassificationHead {
 public:
  static absl::StatusOr<ImageClassificationHead> Load(const ImageClassificationConfig& config,
                                                      WeightLoader* loader);

  bool ReadsFirstTokenOnly() const { return heads_.size() == 1; }

  /// The logits [labels] of each of `pictures` pictures, whose first tokens are `stride` rows of
  /// `hidden` apart. `hidden` is f32 or bf16 and not in the context's workspace slot kNormed.
  absl::StatusOr<std::vector<std::vector<float>>> Run(const TensorView& hidden, int64_t pictures,
                                                      int64_t stride,
                                                      ExecutionContext& context) const;

 private:
  explicit ImageClassificationHead(std::vector<Linear> heads) : heads_(std::move(heads)) {}

  std::vector<Linear> heads_;  // the i-th reads token i
};

}  // namespace attentiond
