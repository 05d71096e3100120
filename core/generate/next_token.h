// core/generate/next_token.h -- the best tokens that may follow a sequence, from logits that come
// slice by slice.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/generate/generation_options.h"
#include "core/generate/token_rules.h"
#include "core/ops/largest_output.h"
#include "core/ops/logits.h"

namespace attentiond {

/// Of one row of a step. `options` and `sequence` are borrowed.
class NextToken {
 public:
  /// `sequence` begins with the token that the decoder starts with; `wanted` tokens are to be told,
  /// or one sampled, for the sample of that number.
  NextToken(const GenerationOptions& options, absl::Span<const int32_t> sequence, int64_t wanted,
            int64_t sample, int64_t vocab_size);

  /// Whether the likeliest token that is not excluded() is all that it takes.
  bool WantsLikeliest() const;
  /// Tokens that may not follow, ascending. Only if it WantsLikeliest().
  absl::Span<const int32_t> excluded() const { return excluded_; }
  /// Instead of logits.
  void SetLikeliest(const LargestOutput& likeliest);

  /// Logits of the tokens from `first_token` on; changed. All of the vocabulary in order.
  void Add(int64_t first_token, absl::Span<float> logits);

  /// The tokens with their log-probabilities, the best first; fewer where fewer may follow.
  std::vector<ScoredToken> Best();

 private:
  struct Edited {
    TokenRules::Edit edit;
    float logit = 0;
  };
  void SetAside(int64_t first_token, absl::Span<float> logits);

  const GenerationOptions& options_;
  const absl::Span<const int32_t> sequence_;
  const int64_t sample_;
  const TokenRules rules_;
  const std::optional<int32_t> forced_;
  std::vector<Edited> edits_;      // by token
  std::vector<int32_t> excluded_;  // those of them that are banned
  size_t next_edit_ = 0;
  LogSumExp total_;
  TopScores top_;
};

}  // namespace attentiond
