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

  /// The tokens whose scores are not the model's, each once.
  struct Edit {
    int32_t token = 0;
    bool banned = false;  ///< may not follow; else it is there already and repetition is penalised
  };
  std::vector<Edit> Edits(absl::Span<const int32_t> sequence) const;

  /// The score of a token that is there already: of a log-probability, or a logit.
  float Penalize(float score) const;

 private:
  void BanRepeatedNgrams(absl::Span<const int32_t> sequence, std::vector<Edit>* edits) const;
  void BanBadWords(absl::Span<const int32_t> sequence, std::vector<Edit>* edits) const;
  bool IsEnd(int32_t token) const;

  const GenerationOptions& options_;
  const int64_t vocab_size_;
};

}  // namespace attentiond
