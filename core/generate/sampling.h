// core/generate/sampling.h -- drawing the next token.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/generate/generation_options.h"
#include "core/ops/logits.h"

namespace attentiond {

/// How many of the likeliest tokens SampleToken() needs to be given, of a vocabulary of so many.
int64_t SampleCandidates(const GenerationOptions& options, int64_t vocab_size);

/// The token to which `likeliest`, best first, lead with the options' temperature, top_k and top_p,
/// in transformers' order; the index of it. Drawn from (seed, sample, step) alone, not from what
/// was drawn before: the same again, whatever else runs. At least one score, the first. Sources:
/// Fan et al. 2018, arXiv:1805.04833 (top k); Holtzman et al. 2019, arXiv:1904.09751.
size_t SampleToken(absl::Span<const ScoredToken> likeliest, const GenerationOptions& options,
                   int64_t sample, int64_t step);

}  // namespace attentiond
