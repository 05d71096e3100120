// core/generate/sampling.h -- drawing the next token.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/generate/generation_options.h"

namespace attentiond {

/// The token to which `logits` [vocabulary] lead with the options' temperature, top_k and top_p, in
/// transformers' order. Drawn from (seed, sample, step) alone, not from what was drawn before: the
/// same again, whatever else runs. At least one logit is finite.
/// Sources: Fan et al. 2018, arXiv:1805.04833 (top k); Holtzman et al. 2019, arXiv:1904.09751.
int32_t SampleToken(absl::Span<const float> logits, const GenerationOptions& options,
                    int64_t sample, int64_t step);

}  // namespace attentiond
