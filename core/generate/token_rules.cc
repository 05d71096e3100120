#include "core/generate/token_rules.h"

#include <algorithm>
#include <limits>
#include <set>

namespace attentiond {
namespace {

/// Whether `sequence` ends with `suffix`.
bool EndsWith(absl::Span<const int32_t> sequence, absl::Span<const int32_t> suffix) {
  return sequence.size() >= suffix.size() &&
         std::equal(suffix.begin(), suffix.end(),
                    sequence.end() - static_cast<std::ptrdiff_t>(suffix.size()));
}

}  // namespace

std::optional<int32_t> TokenRules::Forced(absl::Span<const int32_t> sequence) const {
  const auto length = static_cast<int64_t>(sequence.size());
  // The last place wins over the first when they are one.
  if (length == options_.max_new_tokens && !options_.forced_eos_token_id.empty()) {
    return options_.forced_eos_token_id.front();
  }
  if (length == 1) return options_.forced_bos_token_id;
  return std::nullopt;
}

bool TokenRules::empty() const {
  return options_.repetition_penalty == 1 && options_.no_repeat_ngram_size == 0 &&
         options_.bad_words_ids.empty() && options_.min_new_tokens == 0 &&
         options_.suppress_tokens.empty() && options_.begin_suppress_tokens.empty();
}

void TokenRules::Apply(absl::Span<const int32_t> sequence, float shift, float* scores) const {
  if (options_.repetition_penalty != 1) PenalizeRepetition(sequence, shift, scores);
  if (options_.no_repeat_ngram_size > 0) BanRepeatedNgrams(sequence, scores);
  BanBadWords(sequence, scores);
  if (static_cast<int64_t>(sequence.size()) - 1 < options_.min_new_tokens) {
    for (const int32_t token : options_.eos_token_id) Ban(token, scores);
  }
  for (const int32_t token : options_.suppress_tokens) Ban(token, scores);
  if (sequence.size() == (options_.forced_bos_token_id ? 2u : 1u)) {
    for (const int32_t token : options_.begin_suppress_tokens) Ban(token, scores);
  }
}

bool TokenRules::IsEnd(int32_t token) const {
  return std::find(options_.eos_token_id.begin(), options_.eos_token_id.end(), token) !=
         options_.eos_token_id.end();
}

void TokenRules::Ban(int32_t token, float* scores) const {
  if (token >= 0 && token < vocab_size_) scores[token] = -std::numeric_limits<float>::infinity();
}

void TokenRules::PenalizeRepetition(absl::Span<const int32_t> sequence, float shift,
                                    float* scores) const {
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  for (const int32_t token : std::set<int32_t>(sequence.begin(), sequence.end())) {
    const float score = scores[token] - shift;
    scores[token] = (score < 0 ? score * penalty : score / penalty) + shift;
  }
}

/// A token that would end an n-gram that is there already.
void TokenRules::BanRepeatedNgrams(absl::Span<const int32_t> sequence, float* scores) const {
  const auto before = static_cast<size_t>(options_.no_repeat_ngram_size - 1);
  if (sequence.size() < before + 1) return;
  const absl::Span<const int32_t> last = sequence.last(before);
  for (size_t i = 0; i + before < sequence.size(); ++i) {
    if (std::equal(last.begin(), last.end(), sequence.begin() + static_cast<std::ptrdiff_t>(i))) {
      Ban(sequence[i + before], scores);
    }
  }
}

void TokenRules::BanBadWords(absl::Span<const int32_t> sequence, float* scores) const {
  for (const std::vector<int32_t>& word : options_.bad_words_ids) {
    // A token that ends sequences stays allowed.
    const absl::Span<const int32_t> ids = word;
    if (ids.empty() || (ids.size() == 1 && IsEnd(ids[0]))) {
      continue;
    }
    if (EndsWith(sequence, ids.first(ids.size() - 1))) Ban(ids.back(), scores);
  }
}

}  // namespace attentiond
