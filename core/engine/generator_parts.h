// core/engine/generator_parts.h -- what models that write text have in common.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "core/generate/generation.h"
#include "core/generate/generation_options.h"
#include "core/models/seq2seq/decoder.h"

namespace attentiond {

/// The options that a checkpoint's files give, within what its decoder has positions for.
absl::StatusOr<GenerationOptions> LoadGeneratorOptions(const std::string& directory,
                                                       const StackConfig& decoder);

/// kInvalidArgument: the options of a request are out of range, or ask for more new tokens than
/// `max_tokens`.
absl::Status CheckGenerationInput(const GenerationInput& input, int64_t vocab_size,
                                  int64_t max_tokens);

/// As TextGenerator::NewGeneration(); `longest_source` in tokens of the encoder's states.
std::unique_ptr<Generation> MakeGeneration(const SourceModel& source, const Decoder& decoder,
                                           int64_t longest_source, int64_t cache_bytes);

}  // namespace attentiond
