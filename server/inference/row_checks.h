// server/inference/row_checks.h -- what is asked of the rows of a request before any is tokenized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "core/text/tokenizer.h"
#include "server/inference/inference.h"

namespace attentiond {

/// `status` as an error of row number `row`: "row 3: ...".
absl::Status InRow(size_t row, const absl::Status& status);

/// kInvalidArgument: more rows than a request may have.
absl::Status CheckRowCount(size_t rows, const Inference::Options& limits);

/// Checks how many rows there are and how long their texts are. kInvalidArgument: names the row.
/// kFailedPrecondition: a row is a text, and `tokenizer` is nullptr.
absl::Status CheckRows(const std::vector<EncodeInput>& inputs, const Tokenizer* tokenizer,
                       const Inference::Options& limits);

/// Bytes of text in all rows.
int64_t TextBytes(const std::vector<EncodeInput>& inputs);

}  // namespace attentiond
