// server/inference/encode_request.cc -- text rows through tokenizer, queue and model.
#include "server/inference/encode_request.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/row_checks.h"

namespace attentiond {

class EncodeRequest::RowTask final : public Task<ModelTask, EncodeRequest> {
 public:
  RowTask(EncodeRequest& request, size_t row)
      : Task(request, row, std::max(int64_t{1}, request.rows_[row].encoding.size())) {}

  RunFunction run_function() const override { return &EncodeRequest::RunBatch; }

  // What makes it the same as another, and since when it waits.
  RowSharing::Row sharing() const { return {&key(), request().queued()}; }
  const RowKey& key() const { return request().keys_[number()]; }
};

EncodeRequest::EncodeRequest(Work work, Clock* clock)
    : RowsRequest(std::move(work.model), std::move(work.call), work.group, work.inputs.size(),
                  clock),
      encoder_(*model().model->AsTextEncoder()),
      options_(work.options),
      inputs_(std::move(work.inputs)),
      rows_(inputs_.size()),
      done_(std::move(work.done)) {}

absl::Status EncodeRequest::Prepare() {
  bool tokenized = false;
  std::vector<int64_t> row_tokens;
  row_tokens.reserve(rows_.size());
  for (size_t row = 0; row < inputs_.size(); ++row) {
    RETURN_IF_ERROR(CheckStillWanted());
    tokenized |= inputs_[row].ids.empty();
    const absl::Status prepared = PrepareRow(row);
    if (!prepared.ok()) return InRow(row, prepared);
    keys_.push_back(KeyOf(RowAt(row)));
    row_tokens.push_back(rows_[row].encoding.size());
  }
  OnPrepared(std::accumulate(row_tokens.begin(), row_tokens.end(), int64_t{0}), tokenized);
  if (options_.check_lengths) RETURN_IF_ERROR(options_.check_lengths(row_tokens));
  SkipCachedRows();
  return absl::OkStatus();
}

absl::Status EncodeRequest::PrepareRow(size_t row) {
  EncodeInput& input = inputs_[row];
  Encoding& encoding = rows_[row].encoding;
  if (input.ids.empty()) {
    const ModelInfo& info = model().model->info();
    EncodeOptions options;
    options.max_length = info.max_length;
    options.truncate = options_.truncate;
    options.truncation_side = options_.truncation_side;
    const std::string prompted =
        options_.prompt.empty() ? std::string() : absl::StrCat(options_.prompt, input.text);
    const absl::string_view text = options_.prompt.empty() ? input.text : prompted;
    ASSIGN_OR_RETURN(encoding, encoder_.tokenizer()->Encode(text, input.text_pair, options));
    if (info.type_vocab_size == 0) encoding.type_ids.clear();
  } else {
    encoding.ids = std::move(input.ids);
    encoding.type_ids = std::move(input.type_ids);
  }
  return encoder_.Validate(RowAt(row));
}

void EncodeRequest::SkipCachedRows() {
  ResultCache& cache = *model().cache;
  if (!cache.enabled()) return;
  const absl::Time start = clock()->Now();
  cached_.resize(rows_.size());
  int64_t hits = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    cached_[row] = cache.Find(model().cache_number, keys_[row], &rows_[row].result);
    hits += cached_[row] ? 1 : 0;
  }
  const int64_t misses = num_rows() - hits;
  model().metrics->OnCacheLookups(hits, misses);
  model().statistics->RecordCacheLookups(static_cast<uint64_t>(hits), static_cast<uint64_t>(misses),
                                         clock()->Now() - start);
  SkipRows(hits);
}

std::vector<std::unique_ptr<BatchTask>> EncodeRequest::MakeTasks() {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.reserve(rows_.size());
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (!cached_.empty() && cached_[row]) continue;
    tasks.push_back(std::make_unique<RowTask>(*this, row));
  }
  return tasks;
}

EncoderRow EncodeRequest::RowAt(size_t row) const {
  EncoderRow result;
  result.ids = rows_[row].encoding.ids;
  result.type_ids = rows_[row].encoding.type_ids;
  result.positions = inputs_[row].positions;
  result.want_logits = options_.logits;
  result.want_embedding = options_.embedding;
  result.want_hidden_state = options_.hidden_state;
  result.want_attentions = options_.attentions && !inputs_[row].skip_attentions;
  result.pooling = options_.pooling;
  result.normalize = options_.normalize;
  result.dimensions = options_.dimensions;
  return result;
}

BatchCompletion EncodeRequest::RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                        ExecutionContext& context) {
  const auto at = [&batch](size_t i) -> const RowTask& {
    return static_cast<const RowTask&>(*batch[i]);
  };
  std::vector<RowSharing::Row> sharing;
  sharing.reserve(batch.size());
  int64_t tokens = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    sharing.push_back(at(i).sharing());
    tokens += at(i).cost();
  }
  const EncodeRequest& first = at(0).request();
  Clock* const clock = first.clock();
  const LoadedModel& model = first.model();
  const std::vector<size_t> to_compute = model.sharing->Begin(sharing);
  std::vector<EncoderRow> rows;
  rows.reserve(to_compute.size());
  for (const size_t i : to_compute) rows.push_back(at(i).request().RowAt(at(i).number()));

  const absl::Time start = clock->Now();
  std::vector<EncoderRowResult> results;
  absl::Status status =
      rows.empty() ? absl::OkStatus() : first.encoder_.Run(rows, context, &results);
  const absl::Time end = clock->Now();
  if (status.ok() && results.size() != rows.size()) {
    status = absl::InternalError(
        absl::StrCat("the model made ", results.size(), " results of ", rows.size(), " rows"));
  }
  if (status.ok()) {
    for (size_t i = 0; model.cache->enabled() && i < to_compute.size(); ++i) {
      model.cache->Insert(model.cache_number, at(to_compute[i]).key(), results[i]);
    }
    results = model.sharing->End(std::move(results), end);
  } else {
    model.sharing->Abandon();
  }
  model.statistics->RecordExecution();
  model.metrics->AddTokens("input", tokens);
  model.metrics->OnCoalesced(static_cast<int64_t>(batch.size() - to_compute.size()));

  return [batch = std::move(batch), results = std::move(results),
          run = BatchRun{status, start, end - start}]() mutable {
    for (size_t i = 0; run.status.ok() && i < batch.size(); ++i) {
      const auto& task = static_cast<const RowTask&>(*batch[i]);
      task.request().rows_[task.number()].result = std::move(results[i]);
    }
    EndBatch<RowTask>(batch, run);
  };
}

void EncodeRequest::Answer(const absl::Status& status, const CallTiming& timing) {
  std::exchange(done_, nullptr)(status, status.ok() ? std::move(rows_) : std::vector<EncodedRow>(),
                                timing);
}

}  // namespace attentiond
