// server/inference/encode_request.cc -- text rows through tokenizer, queue and model.
#include "server/inference/encode_request.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/call_checks.h"
#include "server/inference/row_checks.h"

namespace attentiond {

class EncodeRequest::RowTask final : public ModelTask {
 public:
  RowTask(std::shared_ptr<EncodeRequest> request, size_t row)
      : request_(std::move(request)),
        row_(row),
        cost_(std::max(int64_t{1}, request_->rows_[row].encoding.size())) {}

  int64_t cost() const override { return cost_; }
  uint64_t group() const override { return request_->group_; }
  uint64_t client() const override { return request_->call_->client; }
  absl::Time deadline() const override { return request_->call_->deadline; }
  bool cancelled() const override {
    return request_->call_->cancelled.load(std::memory_order_relaxed) ||
           request_->ended_.load(std::memory_order_relaxed);
  }
  void Drop(const absl::Status& reason) override { request_->End(reason); }
  RunFunction run_function() const override { return &EncodeRequest::RunBatch; }

  EncodeRequest& request() const { return *request_; }
  size_t row() const { return row_; }
  // What makes it the same as another, and since when it waits.
  RowSharing::Row sharing() const { return {&key(), request_->queued_}; }
  const RowKey& key() const { return request_->keys_[row_]; }

 private:
  const std::shared_ptr<EncodeRequest> request_;
  const size_t row_;
  const int64_t cost_;
};

EncodeRequest::EncodeRequest(Work work, Clock* clock)
    : model_(std::move(work.model)),
      encoder_(*model_->model->AsTextEncoder()),
      call_(std::move(work.call)),
      options_(work.options),
      group_(work.group),
      clock_(clock),
      created_(clock->Now()),
      inputs_(std::move(work.inputs)),
      rows_(inputs_.size()),
      done_(std::move(work.done)),
      rows_left_(static_cast<int64_t>(inputs_.size())) {}

void EncodeRequest::Start() {
  absl::Status status = PrepareRows();
  if (status.ok() && TakeCachedRows() == static_cast<int64_t>(rows_.size())) {
    return End(absl::OkStatus());
  }
  if (status.ok()) status = QueueRows();
  if (!status.ok()) End(status);
}

void EncodeRequest::Reject(DropReason reason, const absl::Status& status) {
  model_->metrics->OnDropped(reason, static_cast<int64_t>(rows_.size()));
  End(status);
}

absl::Status EncodeRequest::PrepareRows() {
  bool tokenized = false;
  std::vector<int64_t> row_tokens;
  row_tokens.reserve(rows_.size());
  for (size_t row = 0; row < inputs_.size(); ++row) {
    RETURN_IF_ERROR(
        CheckWanted(*call_, *model_, static_cast<int64_t>(rows_.size()), clock_->Now()));
    tokenized |= inputs_[row].ids.empty();
    const absl::Status prepared = PrepareRow(row);
    if (!prepared.ok()) return InRow(row, prepared);
    keys_.push_back(KeyOf(RowAt(row)));
    row_tokens.push_back(rows_[row].encoding.size());
  }
  const absl::Duration elapsed = clock_->Now() - created_;
  if (tokenized) model_->metrics->ObserveTokenize(elapsed);
  {
    MutexLock lock(&mutex_);
    if (tokenized) timing_.tokenize = elapsed;
    timing_.input_tokens = std::accumulate(row_tokens.begin(), row_tokens.end(), int64_t{0});
  }
  return options_.check_lengths ? options_.check_lengths(row_tokens) : absl::OkStatus();
}

absl::Status EncodeRequest::PrepareRow(size_t row) {
  EncodeInput& input = inputs_[row];
  Encoding& encoding = rows_[row].encoding;
  if (input.ids.empty()) {
    const ModelInfo& info = model_->model->info();
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

int64_t EncodeRequest::TakeCachedRows() {
  ResultCache& cache = *model_->cache;
  if (!cache.enabled()) return 0;
  const absl::Time start = clock_->Now();
  cached_.resize(rows_.size());
  int64_t hits = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    cached_[row] = cache.Find(model_->cache_number, keys_[row], &rows_[row].result);
    hits += cached_[row] ? 1 : 0;
  }
  const auto misses = static_cast<int64_t>(rows_.size()) - hits;
  model_->metrics->OnCacheLookups(hits, misses);
  model_->statistics->RecordCacheLookups(static_cast<uint64_t>(hits), static_cast<uint64_t>(misses),
                                         clock_->Now() - start);
  MutexLock lock(&mutex_);
  rows_left_ -= hits;
  return hits;
}

absl::Status EncodeRequest::QueueRows() {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.reserve(rows_.size());
  queued_ = clock_->Now();
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (!cached_.empty() && cached_[row]) continue;
    tasks.push_back(std::make_unique<RowTask>(shared_from_this(), row));
  }
  return model_->queue->Schedule(&tasks);
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
  Clock* const clock = first.clock_;
  const LoadedModel& model = *first.model_;
  const std::vector<size_t> to_compute = model.sharing->Begin(sharing);
  std::vector<EncoderRow> rows;
  rows.reserve(to_compute.size());
  for (const size_t i : to_compute) rows.push_back(at(i).request().RowAt(at(i).row()));

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

  return [batch = std::move(batch), results = std::move(results), status, start,
          compute = end - start]() mutable {
    std::vector<std::shared_ptr<EncodeRequest>> requests;  // each once
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto& task = static_cast<const RowTask&>(*batch[i]);
      EncodeRequest& request = task.request();
      if (status.ok()) request.rows_[task.row()].result = std::move(results[i]);
      if (request.rows_in_batch_++ == 0) requests.push_back(request.shared_from_this());
    }
    for (const std::shared_ptr<EncodeRequest>& request : requests) {
      request->EndRows(std::exchange(request->rows_in_batch_, 0), status, start, compute);
    }
  };
}

void EncodeRequest::EndRows(int64_t rows, const absl::Status& status, absl::Time start,
                            absl::Duration compute) {
  {
    MutexLock lock(&mutex_);
    timing_.queue = std::max(timing_.queue, start - queued_);
    timing_.compute += compute;
    ++timing_.batches;
    rows_left_ -= rows;
    if (status.ok() && rows_left_ > 0) return;
  }
  End(status);
}

void EncodeRequest::End(const absl::Status& status) {
  EncodeCallback done;
  CallTiming timing;
  {
    MutexLock lock(&mutex_);
    done = std::exchange(done_, nullptr);
    timing = timing_;
  }
  if (done == nullptr) return;
  ended_.store(true, std::memory_order_relaxed);
  // After an error rows may still wait, or be in a batch that was formed: they stay readable.
  done(status, status.ok() ? std::move(rows_) : std::vector<EncodedRow>(), timing);
}

}  // namespace attentiond
