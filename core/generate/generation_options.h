// core/generate/generation_options.h -- how a sequence is decoded: what transformers'
// GenerationConfig says, with its meanings and its defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace attentiond {

/// When a beam search ends that has found as many finished sequences as it has beams.
enum class EarlyStopping : uint8_t {
  kHeuristic,  ///< false: when none that runs would be better if it ended now
  kAtOnce,     ///< true
  kNever,      ///< "never": when none can become better at any length
};

/// Fields have the names that generation_config.json gives them. Lengths are in tokens.
struct GenerationOptions {
  int64_t num_beams = 1;             ///< 1: the best token each time, or a sampled one
  int64_t num_return_sequences = 1;  ///< at most num_beams, or any number of samples
  /// New tokens, the one that ends a sequence among them. The most is max_length - 1 when only that
  /// is given, as transformers counts the token that the decoder starts with.
  int64_t max_new_tokens = 20;
  int64_t min_new_tokens = 0;

  // Of beam search.
  double length_penalty = 1;  ///< scores are divided by length^length_penalty
  EarlyStopping early_stopping = EarlyStopping::kHeuristic;

  // Of what may follow.
  double repetition_penalty = 1;     ///< > 1: tokens that are there already are less likely
  int64_t no_repeat_ngram_size = 0;  ///< no n-gram of this size comes twice; 0: any may
  std::vector<std::vector<int32_t>> bad_words_ids;  ///< sequences that never appear
  std::vector<int32_t> suppress_tokens;             ///< tokens that never appear
  std::vector<int32_t> begin_suppress_tokens;  ///< tokens that are never the first that is free
  std::optional<int32_t> forced_bos_token_id;  ///< the first new token
  std::vector<int32_t> forced_eos_token_id;    ///< what the last token is at the greatest length

  // Of sampling.
  bool do_sample = false;
  double temperature = 1;
  int64_t top_k = 50;  ///< only so many of the likeliest tokens; 0: all
  double top_p = 1;    ///< only the likeliest tokens that together have this probability
  uint64_t seed = 0;   ///< the same seed samples the same, whatever else runs

  std::vector<int32_t> eos_token_id;  ///< any of them ends a sequence
  int32_t pad_token_id = 0;
  int32_t decoder_start_token_id = 0;
};

}  // namespace attentiond
