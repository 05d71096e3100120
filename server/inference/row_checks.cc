// server/inference/row_checks.cc -- limits on the rows of a request.
#include "server/inference/row_checks.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

int64_t TextBytes(const EncodeInput& input) {
  if (!input.ids.empty()) return 0;
  return static_cast<int64_t>(input.text.size() +
                              (input.text_pair.has_value() ? input.text_pair->size() : 0));
}

}  // namespace

absl::Status InRow(size_t row, const absl::Status& status) {
  return InField(absl::StrCat("row ", row), status);
}

absl::Status CheckRowCount(size_t rows, const Inference::Options& limits) {
  if (static_cast<int64_t>(rows) <= limits.max_rows_per_request) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request has ", rows, " rows, at most ",
                                                 limits.max_rows_per_request, " are allowed"));
}

absl::Status CheckRows(const std::vector<EncodeInput>& inputs, const Tokenizer* tokenizer,
                       const Inference::Options& limits) {
  RETURN_IF_ERROR(CheckRowCount(inputs.size(), limits));
  for (size_t row = 0; row < inputs.size(); ++row) {
    if (inputs[row].ids.empty() && tokenizer == nullptr) {
      return absl::FailedPreconditionError(
          "the model has no tokenizer: it takes input_ids, not text");
    }
    const int64_t bytes = TextBytes(inputs[row]);
    if (bytes > limits.max_text_bytes) {
      return InRow(
          row, absl::InvalidArgumentError(absl::StrCat("the text has ", bytes, " bytes, at most ",
                                                       limits.max_text_bytes, " are allowed")));
    }
  }
  return absl::OkStatus();
}

int64_t TextBytes(const std::vector<EncodeInput>& inputs) {
  int64_t bytes = 0;
  for (const EncodeInput& input : inputs) bytes += TextBytes(input);
  return bytes;
}

}  // namespace attentiond
