// core/generate/generation_config.h -- generation options as files and requests write them: by
// name, as JSON.
//
// Public header of core/.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/generate/generation_options.h"

namespace attentiond {

/// What `directory`'s generation_config.json says, or, without that file, the same keys of
/// config.json, as transformers takes them; special tokens that the first does not name come from
/// the second. Keys that change no result are left alone.
/// kInvalidArgument: broken, or outside the ranges of CheckGenerationOptions; kUnimplemented: an
/// option that would change results. One line that names the file and the key.
absl::StatusOr<GenerationOptions> LoadGenerationOptions(const std::string& directory,
                                                        int32_t vocab_size);

/// The names of those that a request may set.
std::vector<absl::string_view> GenerationOptionNames();
/// Whether a request may set `name`: every field of GenerationOptions but the ids that belong to
/// the checkpoint.
bool IsGenerationOption(absl::string_view name);
/// Sets the field `name`, one that IsGenerationOption, which is not checked for its range.
/// kInvalidArgument: `value` is of another type; says which is required.
absl::Status SetGenerationOption(absl::string_view name, const nlohmann::json& value,
                                 GenerationOptions* options);

/// The most beams, or samples, of one input.
inline constexpr int64_t kMaxBeams = 16;

/// kInvalidArgument: a field is outside its range, or does not go with another; names it, what was
/// found and what is required. Ids must be in [0, vocab_size).
absl::Status CheckGenerationOptions(const GenerationOptions& options, int32_t vocab_size);

}  // namespace attentiond
