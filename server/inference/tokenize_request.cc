// server/inference/tokenize_request.cc -- text rows through the tokenizer alone.
#include "server/inference/tokenize_request.h"

#include <utility>

#include "core/base/status_macros.h"
#include "server/inference/call_checks.h"
#include "server/inference/row_checks.h"

namespace attentiond {

TokenizeRequest::TokenizeRequest(Work work, Clock* clock)
    : work_(std::move(work)), clock_(clock), created_(clock->Now()) {}

void TokenizeRequest::Start() {
  std::vector<Encoding> encodings;
  CallTiming timing;
  const absl::Status status = TokenizeRows(&encodings, &timing);
  if (!status.ok()) return work_.done(status, {}, CallTiming());
  timing.tokenize = clock_->Now() - created_;
  work_.model->metrics->ObserveTokenize(timing.tokenize);
  work_.done(status, std::move(encodings), timing);
}

void TokenizeRequest::Reject(DropReason reason, const absl::Status& status) {
  work_.model->metrics->OnDropped(reason, static_cast<int64_t>(work_.inputs.size()));
  work_.done(status, {}, CallTiming());
}

absl::Status TokenizeRequest::TokenizeRows(std::vector<Encoding>* encodings,
                                           CallTiming* timing) const {
  const Tokenizer& tokenizer = *work_.model->model->AsTextEncoder()->tokenizer();
  for (size_t row = 0; row < work_.inputs.size(); ++row) {
    RETURN_IF_ERROR(CheckWanted(*work_.call, *work_.model,
                                static_cast<int64_t>(work_.inputs.size()), clock_->Now()));
    const EncodeInput& input = work_.inputs[row];
    absl::StatusOr<Encoding> encoding =
        tokenizer.Encode(input.text, input.text_pair, work_.options);
    if (!encoding.ok()) return InRow(row, encoding.status());
    timing->input_tokens += encoding->size();
    encodings->push_back(*std::move(encoding));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
