// core/engine/encoder_row_validation.cc -- checks lengths, ranges and requests of a row.
#include "core/engine/encoder_row_validation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

/// Every value in [0, limit).
absl::Status CheckValues(absl::string_view field, absl::Span<const int32_t> values, int64_t limit) {
  const auto wrong = std::find_if(values.begin(), values.end(),
                                  [limit](int32_t value) { return value < 0 || value >= limit; });
  if (wrong == values.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, "[", wrong - values.begin(), "] is ",
                                                 *wrong, ", 0 to ", limit - 1, " is required"));
}

absl::Status CheckOptional(absl::string_view field, absl::Span<const int32_t> values,
                           size_t num_ids, int64_t limit) {
  if (values.empty()) return absl::OkStatus();
  if (values.size() != num_ids) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", values.size(),
                                                   " values, as many as input_ids, ", num_ids,
                                                   ", are required"));
  }
  return CheckValues(field, values, limit);
}

}  // namespace

absl::Status ValidateEncoderRow(const EncoderRow& row, const ModelInfo& info) {
  const auto length = static_cast<int64_t>(row.ids.size());
  if (length < 1 || length > info.max_length) {
    return absl::InvalidArgumentError(
        absl::StrCat("input_ids has ", length, " tokens, 1 to ", info.max_length, " are required"));
  }
  RETURN_IF_ERROR(CheckValues("input_ids", row.ids, info.vocab_size));
  if (!row.type_ids.empty() && info.type_vocab_size == 0) {
    return absl::InvalidArgumentError(
        "token_type_ids is given, none is required: the model has no token types");
  }
  RETURN_IF_ERROR(
      CheckOptional("token_type_ids", row.type_ids, row.ids.size(), info.type_vocab_size));
  RETURN_IF_ERROR(CheckOptional("position_ids", row.positions, row.ids.size(), info.max_length));
  if (row.want_logits && info.kind != ModelKind::kSequenceClassification &&
      info.kind != ModelKind::kTokenClassification) {
    return absl::InvalidArgumentError(
        "logits are asked for, a model with a classification head is required");
  }
  const int64_t size = info.EmbeddingSize(row.pooling);
  if (row.want_embedding && size == 0) {
    return absl::InvalidArgumentError(
        "pooling is chosen, none is required: the model projects what its own pooling makes");
  }
  if (row.dimensions < 0 || row.dimensions > size) {
    return absl::InvalidArgumentError(
        absl::StrCat("dimensions is ", row.dimensions, ", 0 to ", size, " is required"));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
