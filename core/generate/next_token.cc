#include "core/generate/next_token.h"

#include <algorithm>
#include <limits>

#include "core/generate/sampling.h"

namespace attentiond {
namespace {

int64_t HeldTokens(const GenerationOptions& options, int64_t wanted, int64_t vocab_size) {
  return std::min(options.do_sample ? SampleCandidates(options, vocab_size) : wanted, vocab_size);
}

}  // namespace

NextToken::NextToken(const GenerationOptions& options, absl::Span<const int32_t> sequence,
                     int64_t wanted, int64_t sample, int64_t vocab_size)
    : options_(options),
      sequence_(sequence),
      sample_(sample),
      rules_(options, vocab_size),
      forced_(rules_.Forced(sequence)),
      top_(HeldTokens(options, wanted, vocab_size)) {
  if (forced_) return;
  for (const TokenRules::Edit& edit : rules_.Edits(sequence)) {
    edits_.push_back({edit});
    if (edit.banned) excluded_.push_back(edit.token);
  }
}

bool NextToken::WantsLikeliest() const {
  return !forced_ && !options_.do_sample && options_.num_beams == 1 && top_.limit() == 1 &&
         excluded_.size() == edits_.size();
}

void NextToken::SetLikeliest(const LargestOutput& likeliest) {
  total_.Add(&likeliest.log_sum_exp, 1);
  if (likeliest.output >= 0) top_.Add({likeliest.value, likeliest.output});
}

/// Takes the logits that the rules change out of those that are compared.
void NextToken::SetAside(int64_t first_token, absl::Span<float> logits) {
  const int64_t end = first_token + static_cast<int64_t>(logits.size());
  for (; next_edit_ < edits_.size() && edits_[next_edit_].edit.token < end; ++next_edit_) {
    float& logit = logits[static_cast<size_t>(edits_[next_edit_].edit.token - first_token)];
    edits_[next_edit_].logit = logit;
    logit = -std::numeric_limits<float>::infinity();
  }
}

void NextToken::Add(int64_t first_token, absl::Span<float> logits) {
  if (forced_) return;
  const auto size = static_cast<int64_t>(logits.size());
  total_.Add(logits.data(), size);
  SetAside(first_token, logits);
  top_.Add(logits.data(), size, first_token);
}

std::vector<ScoredToken> NextToken::Best() {
  if (forced_) return {{0.0f, *forced_}};
  const float total = total_.value();
  // Beam search penalises log-probabilities, the others logits.
  const float shift = options_.num_beams > 1 ? total : 0;
  for (const Edited& edited : edits_) {
    if (edited.edit.banned) continue;
    top_.Add({rules_.Penalize(edited.logit - shift) + shift, edited.edit.token});
  }
  std::vector<ScoredToken> best(top_.held().begin(), top_.held().end());
  if (options_.do_sample && !best.empty()) {
    const auto step = static_cast<int64_t>(sequence_.size());
    best = {best[SampleToken(best, options_, sample_, step)]};
  }
  for (ScoredToken& token : best) token.score -= total;
  return best;
}

}  // namespace attentiond
