#include "core/generate/token_rules.h"

#include <algorithm>

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

std::vector<TokenRules::Edit> TokenRules::Edits(absl::Span<const int32_t> sequence) const {
  std::vector<Edit> edits;
  const auto ban = [&edits](const std::vector<int32_t>& tokens) {
    for (const int32_t token : tokens) edits.push_back({token, true});
  };
  if (options_.repetition_penalty != 1) {
    for (const int32_t token : sequence) edits.push_back({token, false});
  }
  if (options_.no_repeat_ngram_size > 0) BanRepeatedNgrams(sequence, &edits);
  BanBadWords(sequence, &edits);
  if (static_cast<int64_t>(sequence.size()) - 1 < options_.min_new_tokens) {
    ban(options_.eos_token_id);
  }
  ban(options_.suppress_tokens);
  if (sequence.size() == (options_.forced_bos_token_id ? 2u : 1u)) {
    ban(options_.begin_suppress_tokens);
  }
  // Of a token's edits a ban comes first, and stays.
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return a.token != b.token ? a.token < b.token : a.banned > b.banned;
  });
  const auto last = std::unique(edits.begin(), edits.end(),
                                [](const Edit& a, const Edit& b) { return a.token == b.token; });
  edits.erase(last, edits.end());
  std::erase_if(edits,
                [this](const Edit& edit) { return edit.token < 0 || edit.token >= vocab_size_; });
  return edits;
}

float TokenRules::Penalize(float score) const {
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  return score < 0 ? score * penalty : score / penalty;
}

bool TokenRules::IsEnd(int32_t token) const {
  return std::find(options_.eos_token_id.begin(), options_.eos_token_id.end(), token) !=
         options_.eos_token_id.end();
}

/// A token that would end an n-gram that is there already.
void TokenRules::BanRepeatedNgrams(absl::Span<const int32_t> sequence,
                                   std::vector<Edit>* edits) const {
  const auto before = static_cast<size_t>(options_.no_repeat_ngram_size - 1);
  if (sequence.size() < before + 1) return;
  const absl::Span<const int32_t> last = sequence.last(before);
  for (size_t i = 0; i + before < sequence.size(); ++i) {
    if (std::equal(last.begin(), last.end(), sequence.begin() + static_cast<std::ptrdiff_t>(i))) {
      edits->push_back({sequence[i + before], true});
    }
  }
}

void TokenRules::BanBadWords(absl::Span<const int32_t> sequence, std::vector<Edit>* edits) const {
  for (const std::vector<int32_t>& word : options_.bad_words_ids) {
    // A token that ends sequences stays allowed.
    const absl::Span<const int32_t> ids = word;
    if (ids.empty() || (ids.size() == 1 && IsEnd(ids[0]))) continue;
    if (EndsWith(sequence, ids.first(ids.size() - 1))) edits->push_back({ids.back(), true});
  }
}

}  // namespace attentiond
