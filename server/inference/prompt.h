// server/inference/prompt.h -- the text that is put before what an embedding model reads.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/engine/model.h"

namespace attentiond {

/// The text of the prompt `name`, or of the model's default one; "" for the name "" and for a model
/// without a default. kInvalidArgument, a FieldError() of `field`: the model has none of that name.
absl::StatusOr<std::string> PromptOf(const ModelInfo& info, absl::string_view field,
                                     const std::optional<std::string>& name);

}  // namespace attentiond
