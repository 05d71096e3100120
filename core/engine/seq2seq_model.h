// core/engine/seq2seq_model.h -- a checkpoint of an encoder and a decoder of text as a Model.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "core/models/seq2seq/seq2seq_family.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Errors as LoadModel(). `checkpoint` may be closed afterwards.
absl::StatusOr<std::shared_ptr<const Model>> LoadSeq2SeqModel(const Checkpoint& checkpoint,
                                                              const Seq2SeqFamily& family,
                                                              const LoadOptions& options);

}  // namespace attentiond
