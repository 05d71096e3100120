// core/engine/attention_layer_model.h -- a multi-head attention layer as a Model.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Errors as LoadModel(). `checkpoint` may be closed afterwards.
absl::StatusOr<std::shared_ptr<const Model>> LoadAttentionLayer(const Checkpoint& checkpoint,
                                                                const LoadOptions& options);

}  // namespace attentiond
