// core/engine/text_encoder_model.h -- a checkpoint of a BERT-like encoder as a Model.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/models/encoder_family.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Errors as LoadModel(). `checkpoint` may be closed afterwards.
absl::StatusOr<std::shared_ptr<const Model>> LoadTextEncoder(const Checkpoint& checkpoint,
                                                             const EncoderFamily& family,
                                                             const LoadOptions& options);

}  // namespace attentiond
