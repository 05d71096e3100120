// server/grpc/explain_attribution.h -- Explain's attribution: what leaving out each word of an
// input does to the result.
//
// Source: "leave-one-out" of Li, Monroe and Jurafsky 2016, arXiv:1612.08220, section 3, by words.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "attentiond/v1/attention_service.pb.h"
#include "core/engine/model.h"
#include "server/inference/inference.h"
#include "server/inference/leave_out.h"

namespace attentiond {

/// What one Explain attributes to the words of its inputs. Its rows come after those of the whole
/// inputs: for each input, for each word without which something is left, the input without it.
class ExplainAttribution {
 public:
  static constexpr int64_t kMaxWords = 512;  ///< of one call

  /// Nothing when the request does not ask for it. A FieldError() of "attribution_label": the model
  /// has no such label; of "attribute_words": the model neither classifies nor embeds.
  static absl::StatusOr<std::optional<ExplainAttribution>> Create(const v1::ExplainRequest& request,
                                                                  const ModelInfo& info);

  /// Finds the words. A FieldError() of "inputs": more than kMaxWords.
  absl::Status SetInputs(const v1::ExplainRequest& request, absl::Span<const Encoding> encodings);

  /// Bytes of the rows' ids and results.
  int64_t RowBytes() const;

  void AddRows(absl::Span<const Encoding> encodings, std::vector<EncodeInput>* rows) const;

  /// Input number `input`: `whole` is its own result, `next_row` the first of its rows; moves that
  /// to the next input's.
  void Write(const v1::TextInput& text, size_t input, const EncoderRowResult& whole,
             absl::Span<const EncodedRow>* next_row, v1::Attribution* attribution) const;

 private:
  explicit ExplainAttribution(const ModelInfo& info) : info_(&info) {}

  bool LeavesTokens(size_t input, const InputWord& word) const;
  size_t LabelOf(const EncoderRowResult& whole) const;

  const ModelInfo* info_;                      // the model's: it outlives the call
  std::optional<size_t> label_;                // nothing: the best of each input
  std::vector<std::vector<InputWord>> words_;  // of each input
  std::vector<size_t> num_tokens_;
};

}  // namespace attentiond
