#include "core/engine/generator_parts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/generate/generation_config.h"

namespace attentiond {

absl::StatusOr<GenerationOptions> LoadGeneratorOptions(const std::string& directory,
                                                       const StackConfig& decoder) {
  ASSIGN_OR_RETURN(GenerationOptions options,
                   LoadGenerationOptions(directory, static_cast<int32_t>(decoder.vocab_size)));
  options.max_new_tokens = std::min(options.max_new_tokens, decoder.max_tokens);
  options.min_new_tokens = std::min(options.min_new_tokens, options.max_new_tokens);
  return options;
}

absl::Status CheckGenerationInput(const GenerationInput& input, int64_t vocab_size,
                                  int64_t max_tokens) {
  RETURN_IF_ERROR(CheckGenerationOptions(input.options, static_cast<int32_t>(vocab_size)));
  if (input.options.max_new_tokens <= max_tokens) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("max_new_tokens is ", input.options.max_new_tokens,
                                                 ", at most ", max_tokens,
                                                 " are possible with this model"));
}

std::unique_ptr<Generation> MakeGeneration(const SourceModel& source, const Decoder& decoder,
                                           int64_t longest_source, int64_t cache_bytes) {
  const auto page_bytes = static_cast<int64_t>(decoder.layout().page_bytes());
  const int64_t least = KeyValueLayout::PagesOf(longest_source) +
                        kMaxBeams * KeyValueLayout::PagesOf(decoder.config().max_tokens);
  return std::make_unique<Generation>(&source, &decoder, std::max(least, cache_bytes / page_bytes));
}

}  // namespace attentiond
