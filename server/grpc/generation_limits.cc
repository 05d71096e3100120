#include "server/grpc/generation_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/generate/generation_config.h"

namespace attentiond {

GenerationOptions OptionsOf(const GenerationDefaults& defaults) {
  GenerationOptions options = defaults.generator.default_options();
  if (defaults.limits.max_new_tokens > 0) {
    options.max_new_tokens = std::min(options.max_new_tokens, defaults.limits.max_new_tokens);
    options.min_new_tokens = std::min(options.min_new_tokens, options.max_new_tokens);
  }
  return options;
}

absl::Status CheckOptions(const GenerationDefaults& defaults, const GenerationOptions& options) {
  const int64_t limit = defaults.limits.max_new_tokens;
  if (limit > 0 && options.max_new_tokens > limit) {
    return absl::InvalidArgumentError(absl::StrCat("max_new_tokens is ", options.max_new_tokens,
                                                   ", this server allows at most ", limit));
  }
  if (options.max_new_tokens > defaults.generator.max_target_length()) {
    return absl::InvalidArgumentError(absl::StrCat("max_new_tokens is ", options.max_new_tokens,
                                                   ", this model writes at most ",
                                                   defaults.generator.max_target_length()));
  }
  return CheckGenerationOptions(options, static_cast<int32_t>(defaults.info.vocab_size));
}

}  // namespace attentiond
