// core/models/seq2seq/source_encoder.h -- the encoder of an encoder-decoder over source texts.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/seq2seq/stack.h"
#include "core/ops/execution_context.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// Immutable; may be shared by contexts.
class SourceEncoder {
 public:
  explicit SourceEncoder(Stack stack) : stack_(std::move(stack)) {}

  const StackConfig& config() const { return stack_.config(); }

  /// States [T, E] of texts one after the other; text i is the ids [cumulative[i], cumulative[i +
  /// 1]), each at least one and at most config().max_tokens. In the context's memory: valid until
  /// the context runs something else. What a text gets does not depend on the others, bit for bit,
  /// nor on the number of threads.
  absl::StatusOr<TensorView> Run(absl::Span<const int32_t> ids,
                                 absl::Span<const int64_t> cumulative,
                                 ExecutionContext& context) const;

 private:
  absl::Span<const int32_t> Positions(absl::Span<const int32_t> ids,
                                      absl::Span<const int64_t> cumulative,
                                      ExecutionContext& context) const;
  struct Activations;
  absl::Status Attend(const Activations& at, absl::Span<const int64_t> cumulative,
                      ExecutionContext& context) const;

  Stack stack_;
};

}  // namespace attentiond
