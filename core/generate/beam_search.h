// core/generate/beam_search.h -- which sequences a beam search keeps, step by step.
//
// Knows scores and tokens alone, so that it can be tested without a model. Follows the vectorised
// beam search of transformers (GenerationMixin._beam_search), whose choices it repeats, in f32 too.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/generate/generation_options.h"
#include "core/ops/logits.h"

namespace attentiond {

/// The attention of a decoded token to its input, as DecoderRow::cross_weights says.
using CrossWeights = std::shared_ptr<const std::vector<float>>;

/// A sequence of new tokens that is being written, or is done.
struct Hypothesis {
  std::vector<int32_t> tokens;  ///< new ones
  float score = 0;              ///< sum of log-probabilities; when done, with length penalty
  std::vector<CrossWeights> cross_weights;  ///< of each token, when wanted
};

/// What the score of a sequence of so many new tokens is divided by.
float LengthPenalty(int64_t length, double penalty);

class BeamSearch {
 public:
  explicit BeamSearch(const GenerationOptions& options);

  /// Beams that need scores for their next token: at first one, for all begin alike.
  absl::Span<const Hypothesis> running() const { return running_; }
  /// How many candidates of each running beam Advance() wants, if there are so many.
  int64_t candidates_per_beam() const { return candidates_; }

  /// `candidates[b]`: the best next tokens of running()[b] with their log-probabilities, best
  /// first. `cross_weights[b]` belongs to the token that is added, or is empty. Returns which of
  /// the beams before each one of running() now goes on from. Not after done().
  std::vector<size_t> Advance(absl::Span<const std::vector<ScoredToken>> candidates,
                              absl::Span<const CrossWeights> cross_weights);

  bool done() const { return done_; }
  /// Finished sequences, best first; at least one when done().
  std::vector<Hypothesis> TakeResults();

 private:
  struct Candidate {
    float score = 0;  // of the sequence
    size_t beam = 0;
    int32_t token = 0;
    bool ends = false;
  };
  std::vector<Candidate> BestCandidates(
      absl::Span<const std::vector<ScoredToken>> candidates) const;
  Hypothesis Extend(const Candidate& candidate, absl::Span<const CrossWeights> cross_weights) const;
  void UpdateFinished(absl::Span<const Candidate> best,
                      absl::Span<const CrossWeights> cross_weights);
  bool CanImprove() const;
  bool IsFull() const { return finished_.size() == static_cast<size_t>(options_.num_beams); }

  const GenerationOptions options_;
  const int64_t candidates_;
  int64_t length_ = 0;  // new tokens of the running beams
  std::vector<Hypothesis> running_;
  std::vector<Hypothesis> finished_;  // best first, at most num_beams
  bool can_improve_ = true;
  bool done_ = false;
};

}  // namespace attentiond
