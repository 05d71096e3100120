// core/models/seq2seq/decoder.h -- a decoder that adds one token at a time to many sequences.
//
// Keys and values of what it has seen are in pages that its caller owns; so are those of the
// encoder's states ("memory"), computed once for an input and shared by its beams.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/seq2seq/stack.h"
#include "core/ops/execution_context.h"
#include "core/ops/largest_output.h"
#include "core/ops/paged_attention.h"
#include "core/tensor/key_value_layout.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// A token that is decoded. Tokens of one sequence may be in one call, in their order.
struct DecoderRow {
  int32_t token = 0;
  int64_t position = 0;            ///< in its sequence, from 0
  const int32_t* pages = nullptr;  ///< of the sequence: position / kTokens has a page of its own
  const int32_t* memory_pages = nullptr;
  int64_t memory_length = 0;       ///< tokens of its input
  float* cross_weights = nullptr;  ///< [layers, heads, memory_length], wanted unless null
};

/// Immutable; may be shared by contexts.
class Decoder {
 public:
  /// norm(activation(dense(x))), with the stack's activation and epsilon.
  struct HeadTransform {
    Linear dense;  ///< E -> E
    NormWeights norm;
  };
  struct Head {
    Linear linear;                              ///< E -> vocabulary
    std::optional<LargestOutputSearch> search;  ///< of the likeliest token
  };
  struct Parts {
    Stack stack;
    std::optional<Linear> memory_projection;  ///< of memory states that are not as wide
    std::optional<HeadTransform> transform;   ///< of what the head reads
    Head head;
  };
  explicit Decoder(Parts parts) : parts_(std::move(parts)) {}

  const StackConfig& config() const { return parts_.stack.config(); }
  int64_t vocab_size() const { return parts_.head.linear.out_features(); }
  /// Whether a row's likeliest token takes less than all of its logits.
  bool finds_likeliest() const { return parts_.head.search.has_value(); }
  /// How a page lies.
  KeyValueLayout layout() const;

  /// Writes the keys and values of encoder states [T, width] where `places` [T] says.
  absl::Status WriteMemory(const TensorView& states, absl::Span<const PagedToken> places,
                           ExecutionContext& context) const;

  /// Logits [rows, tokens.size()] of some adjacent tokens of the vocabulary, in the context's
  /// memory: to be read, and changed, until the visitor returns.
  struct LogitsSlice {
    int64_t first_token = 0, num_tokens = 0;
    float* logits = nullptr;  // at `stride`
    int64_t stride = 0;
    absl::Span<float> row(size_t index) const {
      return {logits + static_cast<int64_t>(index) * stride, static_cast<size_t>(num_tokens)};
    }
  };
  using LogitsVisitor = absl::FunctionRef<void(const LogitsSlice& slice)>;

  /// Adds the rows' tokens to their sequences, and shows the logits of what comes next, slice after
  /// slice of the vocabulary: all rows' at once would not stay in the caches until they are read.
  /// `pages` is where page 0 begins.
  ///
  /// Of as many rows as `likeliest` has, the first ones, it finds the likeliest tokens instead, for
  /// less; only where finds_likeliest(). Logits are those of the others.
  ///
  /// A row's result does not depend on the others, bit for bit, nor on the number of threads.
  absl::Status Run(absl::Span<const DecoderRow> rows, char* pages,
                   absl::Span<LargestOutput> likeliest, LogitsVisitor visit,
                   ExecutionContext& context) const;

 private:
  struct Activations;
  /// What attends, of the hidden states: normed if the stack norms first, then projected.
  absl::Status Project(const NormWeights& norm, const Linear& projection, const Activations& at,
                       ExecutionContext& context) const;
  /// Adds to the hidden states what those queries attend to in `rows`.
  template <typename Weights>
  absl::Status AddAttention(const Weights& weights, absl::Span<const PagedRow> rows,
                            const Activations& at, int64_t layer, ExecutionContext& context) const;
  absl::Status SelfAttend(const StackLayerWeights::SelfAttention& weights, const Activations& at,
                          int64_t layer, ExecutionContext& context) const;
  absl::Status CrossAttend(const StackLayerWeights::CrossAttention& weights, const Activations& at,
                           int64_t layer, ExecutionContext& context) const;
  /// What the head reads: the hidden states [R, E] at the stack's stride, transformed if it wants.
  absl::StatusOr<const char*> TransformForHead(const Activations& at,
                                               ExecutionContext& context) const;
  absl::Status ShowLogits(const char* x, int64_t rows, LogitsVisitor visit,
                          ExecutionContext& context) const;
  Activations Prepare(absl::Span<const DecoderRow> rows, char* pages,
                      ExecutionContext& context) const;

  Parts parts_;
};

}  // namespace attentiond
