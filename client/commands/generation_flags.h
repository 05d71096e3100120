// client/commands/generation_flags.h -- how a text is to be decoded: flags of translate and
// caption.
#pragma once

#include <CLI/CLI.hpp>

#include "attentiond/v1/attention_service.pb.h"

namespace attentiond::client {

/// Adds a flag for each of the fields that people choose; they write to `parameters`, which must
/// live as long as `app`.
void AddGenerationFlags(CLI::App* app, v1::GenerationParameters* parameters);

}  // namespace attentiond::client
