// core/generate/token_rules.h -- which tokens may follow: repetition, forbidden and forced ones.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/generate/generation_options.h"

namespace attentiond {

/// What transformers' logits processors do, in their order. `options` is borrowed.
class TokenRules {
 public:
  TokenRules(const GenerationOptions& options, int64_t vocab_size)
      : options_(options), vocab_size_(vocab_size) {}

  /// The only token that may follow `sequence`, if there is but one. `sequence` begins with the
  /// token that the decoder starts with; the rest is new.
  std::optional<int32_t> Forced(absl::Span<const int32_t> sequence) const;

  /// Whether Apply() may change anything.
  bool empty() const;

  /// Changes `scores` [vocab_size], which are log-probabilities plus `shift`: those of tokens that
  /// may not follow become -inf.
  void Apply(absl::Span<const int32_t> sequence, float shift, float* scores) const;

 private:
  void PenalizeRepetition(absl::Span<const int32_t> sequence, float shift, float* scores) const;
  void BanRepeatedNgrams(absl::Span<const int32_t> sequence, float* scores) const;
  void BanBadWords(absl::Span<const int32_t> sequence, float* scores) const;
  bool IsEnd(int32_t token) const;
  void Ban(int32_t token, float* scores) const;

  const GenerationOptions& options_;
  const int64_t vocab_size_;
};

}  // namespace attentiond
