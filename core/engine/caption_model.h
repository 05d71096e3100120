// core/engine/caption_model.h -- a checkpoint that describes pictures as a Model.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Errors as LoadModel(). `checkpoint` is of one of CaptionModelTypes(), and may be closed
/// afterwards.
absl::StatusOr<std::shared_ptr<const Model>> LoadCaptionModel(const Checkpoint& checkpoint,
                                                              const LoadOptions& options);

}  // namespace attentiond
