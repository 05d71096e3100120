#include "server/inference/tokenize_request.h"

#include <utility>

#include "server/inference/call_checks.h"
#include "server/inference/row_checks.h"

namespace attentiond {

TokenizeRequest::TokenizeRequest(Work work, Clock* clock)
    : work_(std::move(work)), clock_(clock), created_(clock->Now()) {}

void TokenizeRequest::Start() {
  std::vector<Encoding> encodings;
  CallTiming timing;
  const absl::Status status = TokenizeRows(&encodings, &timing);
  if (!status.ok()) return End(status);
  timing.tokenize = clock_->Now() - created_;
  work_.model->metrics->ObserveTokenize(timing.tokenize);
  std::exchange(work_.done, nullptr)(status, std::move(encodings), timing);
}

void TokenizeRequest::End(const absl::Status& status) {
  CountRejected(*work_.model, status, static_cast<int64_t>(work_.inputs.size()));
  std::exchange(work_.done, nullptr)(status, {}, CallTiming());
}

absl::Status TokenizeRequest::TokenizeRows(std::vector<Encoding>* encodings,
                                           CallTiming* timing) const {
  const Tokenizer& tokenizer = *work_.model->model->AsTextEncoder()->tokenizer();
  for (size_t row = 0; row < work_.inputs.size(); ++row) {
    const absl::Status wanted = CheckWanted(*work_.call, clock_->Now());
    if (!wanted.ok()) return wanted;
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
