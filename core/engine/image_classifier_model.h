// core/engine/image_classifier_model.h -- a checkpoint of a ViT-like classifier as a Model.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/models/vision_config.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Errors as LoadModel(). `checkpoint` may be closed afterwards.
absl::StatusOr<std::shared_ptr<const Model>> LoadImageClassifier(const Checkpoint& checkpoint,
                                                                 const VisionFamily& family,
                                                                 const LoadOptions& options);

}  // namespace attentiond
