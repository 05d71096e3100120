// server/grpc/generation_limits.h -- how a text may be decoded, by its model and by this server.
#pragma once

#include "absl/status/status.h"
#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "server/grpc/service_environment.h"

namespace attentiond {

/// What says it. Borrowed.
struct GenerationDefaults {
  const ModelInfo& info;
  const TextGenerator& generator;
  const RequestLimits& limits;
};

/// The model's options within the server's limits.
GenerationOptions OptionsOf(const GenerationDefaults& defaults);
/// Checks what a request made of them. kInvalidArgument names the option.
absl::Status CheckOptions(const GenerationDefaults& defaults, const GenerationOptions& options);

}  // namespace attentiond
