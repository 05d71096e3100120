// core/engine/text_generator.h -- models that write text, and the batch that they write together.
//
// Public header of core/. A batch never ends: sequences join it and leave it between steps, so a
// short one never waits for a long one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/generate/generation_options.h"
#include "core/ops/execution_context.h"

namespace attentiond {

/// One input, and how to decode it. Owned by the batch once it has joined.
struct GenerationInput {
  std::vector<int32_t> source_ids;  ///< of text models: each in [0, vocab_size), at least one
  std::vector<float> pixels;        ///< of image models: [3, height, width], as the model wants them
  GenerationOptions options;
  bool want_cross_attentions = false;  ///< of the best sequence; at most one beam's cost more
};

struct GeneratedSequence {
  std::vector<int32_t> ids;  ///< new tokens; the one that ended it is the last, if one did
  double score = 0;          ///< sum of log-probabilities / length^length_penalty
};

struct GenerationResult {
  std::vector<GeneratedSequence> sequences;  ///< best first; num_return_sequences
  /// [new tokens, layers, heads, source tokens] of the best sequence; empty unless wanted.
  std::vector<float> cross_attentions;
  int64_t cross_layers = 0, cross_heads = 0, source_length = 0;
};

/// What a step brought.
struct GenerationStep {
  std::vector<std::pair<int64_t, GenerationResult>> finished;  ///< by key; they have left
  /// The token that each running sequence without beams has now more: what can be shown already.
  std::vector<std::pair<int64_t, int32_t>> new_tokens;
  int64_t source_tokens = 0;  ///< that were encoded
  int64_t decoded_rows = 0;   ///< beams that were computed
};

/// The batch of one model. Threads: one at a time; the counts from any.
class Generation {
 public:
  virtual ~Generation() = default;

  /// Pages of keys and values that `input` may come to need.
  virtual int64_t PagesFor(const GenerationInput& input) const = 0;
  virtual int64_t total_pages() const = 0;
  /// Set aside for what runs; the rest is free.
  virtual int64_t reserved_pages() const = 0;
  /// In use: hold keys and values of something that runs.
  virtual int64_t used_pages() const = 0;

  /// `input` is valid (TextGenerator::Validate) and its pages are free. `key` is the caller's, and
  /// names the sequence until it is finished or removed.
  virtual void Add(int64_t key, GenerationInput input) = 0;
  /// Leaves, unfinished.
  virtual void Remove(int64_t key) = 0;
  /// Sequences that run, and their beams: rows of the next step.
  virtual int64_t num_sequences() const = 0;
  virtual int64_t num_rows() const = 0;

  /// Encodes what has joined and adds a token to all that run.
  virtual absl::Status Step(ExecutionContext& context, GenerationStep* step) = 0;
};

/// Threads: every method may be called concurrently.
class TextGenerator {
 public:
  virtual ~TextGenerator() = default;

  /// What generation_config.json says (or, without it, config.json).
  virtual const GenerationOptions& default_options() const = 0;
  /// Most tokens of a source text; 0: the source is an image.
  virtual int64_t max_source_length() const = 0;
  /// Most new tokens.
  virtual int64_t max_target_length() const = 0;
  /// kInvalidArgument names the field, what was found and what is required.
  virtual absl::Status Validate(const GenerationInput& input) const = 0;

  /// Text of the tokens that a sequence has, without special ones.
  virtual absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const = 0;

  /// A batch with at most `cache_bytes` of pages, at least one sequence's of the greatest length.
  /// The model must outlive it.
  virtual std::unique_ptr<Generation> NewGeneration(int64_t cache_bytes) const = 0;
};

}  // namespace attentiond
