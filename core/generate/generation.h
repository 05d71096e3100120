// core/generate/generation.h -- sequences that are decoded together, step by step.
//
// A batch never ends: sequences join it and leave it between steps, so a short one never waits for
// a long one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/generate/generation_options.h"
#include "core/generate/page_pool.h"
#include "core/models/seq2seq/decoder.h"
#include "core/ops/execution_context.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// One input, and how to decode it. Owned by the batch once it has joined.
struct GenerationInput {
  std::vector<int32_t> source_ids;  ///< of text models: each in [0, vocab_size), at least one
  std::vector<float> pixels;  ///< of image models: [3, height, width], as the model wants them
  GenerationOptions options;
  bool want_cross_attentions = false;  ///< of the best sequence
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
  /// The token that each running sequence without beams, the first sample of each, has now more:
  /// what can be shown already.
  std::vector<std::pair<int64_t, int32_t>> new_tokens;
  int64_t source_tokens = 0;  ///< that were encoded
  int64_t decoded_rows = 0;   ///< beams that were computed
};

/// What makes the states that a decoder reads.
class SourceModel {
 public:
  virtual ~SourceModel() = default;
  /// Tokens of the states that Encode() makes of `input`.
  virtual int64_t SourceLength(const GenerationInput& input) const = 0;
  /// States [T, width] of the inputs one after the other, SourceLength() of each; in the context's
  /// memory: valid until the context runs something else.
  virtual absl::StatusOr<TensorView> Encode(absl::Span<const GenerationInput* const> inputs,
                                            ExecutionContext& context) const = 0;
};

/// The batch of one model. Threads: one at a time; the counts of pages from any.
class Generation {
 public:
  /// `source` and `decoder` are borrowed.
  Generation(const SourceModel* source, const Decoder* decoder, int64_t num_pages);
  ~Generation();

  /// Pages of keys and values that `input` may come to need.
  int64_t PagesFor(const GenerationInput& input) const;
  int64_t total_pages() const { return pool_.size(); }
  /// Set aside for what runs; the rest is free.
  int64_t reserved_pages() const { return pool_.reserved(); }
  /// In use: hold keys and values of something that runs.
  int64_t used_pages() const { return pool_.used(); }

  /// `input` is valid (TextGenerator::Validate) and its pages are free. `key` is the caller's, and
  /// names the sequence until it is finished or removed.
  void Add(int64_t key, GenerationInput input);
  /// Leaves, unfinished.
  void Remove(int64_t key);
  int64_t num_sequences() const { return static_cast<int64_t>(sequences_.size()); }
  /// Beams that run: rows of the next step.
  int64_t num_rows() const;

  /// Encodes what has joined and adds a token to all that run. After an error the batch is as good
  /// as before: remove what shall not be tried again.
  absl::Status Step(ExecutionContext& context, GenerationStep* step);

 private:
  class Sequence;
  struct Row;

  absl::Status EncodeNew(ExecutionContext& context, GenerationStep* step);
  std::vector<Row> CollectRows();
  void Leave(Sequence& sequence);

  const SourceModel& source_;
  const Decoder& decoder_;
  PagePool pool_;
  std::map<int64_t, std::unique_ptr<Sequence>> sequences_;  // by key
  int64_t steps_waited_ = 0;  // by what has joined but is not encoded yet
};

}  // namespace attentiond
