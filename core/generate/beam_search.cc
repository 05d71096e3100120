#include "core/generate/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace attentiond {
namespace {

// What stands for "never" in a sum of scores.
constexpr float kOut = -1e9f;

int64_t CandidatesFor(const GenerationOptions& options) {
  // So many may end at once, and num_beams must be left.
  const auto ends = static_cast<int64_t>(options.eos_token_id.size());
  return std::max<int64_t>(2, 1 + ends) * options.num_beams;
}

}  // namespace

float LengthPenalty(int64_t length, double penalty) {
  return static_cast<float>(std::pow(static_cast<double>(length), penalty));
}

BeamSearch::BeamSearch(const GenerationOptions& options)
    : options_(options), candidates_(CandidatesFor(options)), running_(1) {}

std::vector<BeamSearch::Candidate> BeamSearch::BestCandidates(
    absl::Span<const std::vector<ScoredToken>> candidates) const {
  std::vector<Candidate> all;
  const bool last = length_ + 1 >= options_.max_new_tokens;
  const auto add = [&](size_t beam, float score) {
    for (const ScoredToken& next : candidates[beam]) {
      const bool ends =
          last || std::find(options_.eos_token_id.begin(), options_.eos_token_id.end(),
                            next.token) != options_.eos_token_id.end();
      all.push_back({next.score + score, beam, next.token, ends});
    }
  };
  for (size_t beam = 0; beam < running_.size(); ++beam) add(beam, running_[beam].score);
  if (length_ == 0) {
    // The other beams are this one, out of the race: they come in where it has too few to offer,
    // as when its first token is forced.
    for (int64_t beam = 1; beam < options_.num_beams; ++beam) add(0, kOut);
  }
  const size_t kept = std::min(all.size(), static_cast<size_t>(candidates_));
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  all.resize(kept);
  return all;
}

Hypothesis BeamSearch::Extend(const Candidate& candidate,
                              absl::Span<const CrossWeights> cross_weights) const {
  Hypothesis next = running_[candidate.beam];
  next.tokens.push_back(candidate.token);
  next.score = candidate.score;
  if (!cross_weights.empty()) next.cross_weights.push_back(cross_weights[candidate.beam]);
  return next;
}

/// Of the candidates only the best num_beams may end: the others are there so that enough go on.
void BeamSearch::UpdateFinished(absl::Span<const Candidate> best,
                                absl::Span<const CrossWeights> cross_weights) {
  if (!can_improve_ || (IsFull() && options_.early_stopping == EarlyStopping::kAtOnce)) return;
  const float penalty = LengthPenalty(length_ + 1, options_.length_penalty);
  const auto most = static_cast<size_t>(options_.num_beams);
  for (const Candidate& candidate : best.first(std::min(most, best.size()))) {
    if (!candidate.ends || !std::isfinite(candidate.score)) continue;
    Hypothesis done = Extend(candidate, cross_weights);
    done.score = candidate.score / penalty;
    const auto place =
        std::upper_bound(finished_.begin(), finished_.end(), done.score,
                         [](float score, const Hypothesis& other) { return score > other.score; });
    finished_.insert(place, std::move(done));
    if (finished_.size() > most) finished_.pop_back();
  }
}

bool BeamSearch::CanImprove() const {
  if (running_.empty()) return false;
  const bool at_full_length =
      options_.early_stopping == EarlyStopping::kNever && options_.length_penalty > 0;
  const int64_t length = at_full_length ? options_.max_new_tokens : length_;
  const float best = running_.front().score / LengthPenalty(length, options_.length_penalty);
  return best > (IsFull() ? finished_.back().score : kOut);
}

std::vector<size_t> BeamSearch::Advance(absl::Span<const std::vector<ScoredToken>> candidates,
                                        absl::Span<const CrossWeights> cross_weights) {
  const std::vector<Candidate> best = BestCandidates(candidates);
  UpdateFinished(best, cross_weights);
  std::vector<Hypothesis> next;
  std::vector<size_t> parents;
  bool all_end = true;
  for (const Candidate& candidate : best) {
    if (candidate.ends) continue;
    all_end = false;
    if (next.size() == static_cast<size_t>(options_.num_beams)) break;
    // Nothing that follows a token that cannot be comes to count.
    if (!std::isfinite(candidate.score)) break;
    next.push_back(Extend(candidate, cross_weights));
    parents.push_back(candidate.beam);
  }
  running_ = std::move(next);
  ++length_;
  can_improve_ = can_improve_ && CanImprove();
  const bool stops_at_once = IsFull() && options_.early_stopping == EarlyStopping::kAtOnce;
  done_ = !can_improve_ || stops_at_once || all_end || running_.empty();
  return parents;
}

std::vector<Hypothesis> BeamSearch::TakeResults() {
  // When every token was forbidden: what there is, which is nothing.
  if (finished_.empty()) finished_.emplace_back();
  return std::move(finished_);
}

}  // namespace attentiond
