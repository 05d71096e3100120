#include "server/inference/generate_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "server/inference/cross_attention.h"
#include "server/inference/image_inputs.h"
#include "server/inference/row_checks.h"

namespace attentiond {

class GenerateRequest::PartTask final : public Task<GenerationTask, GenerateRequest> {
 public:
  PartTask(GenerateRequest& request, size_t part)
      : Task(request, part, request.SourceTokensOf(request.parts_[part].input)) {}

  const GenerationInput& input() const override { return part().input; }
  GenerationInput TakeInput() override { return std::move(part().input); }
  void OnToken(int32_t token) override { request().OnToken(number(), token); }
  void Finish(absl::StatusOr<GenerationResult> result, const GenerationTimes& times) override {
    if (!result.ok()) return request().End(result.status());
    request().FinishPart(number(), *std::move(result), times);
  }

 private:
  Part& part() const { return request().parts_[number()]; }
};

GenerateRequest::GenerateRequest(Work work, Clock* clock)
    : RowsRequest(std::move(work.model), std::move(work.call), work.group, work.inputs.size(),
                  clock),
      generator_(*model().model->AsTextGenerator()),
      options_(std::move(work.options)),
      images_(work.images),
      observer_(std::move(work.observer)),
      inputs_(std::move(work.inputs)),
      texts_(inputs_.size()),
      rows_(inputs_.size()),
      results_(inputs_.size()),
      done_(std::move(work.done)) {}

absl::Status GenerateRequest::Prepare() {
  if (!options_.has_forced_bos && generator_.translation_tokenizer() != nullptr) {
    ASSIGN_OR_RETURN(const std::optional<int32_t> first,
                     generator_.translation_tokenizer()->FirstTargetToken(options_.languages));
    // Some decoders begin with the language already.
    if (first.has_value() && *first != options_.generation.decoder_start_token_id) {
      options_.generation.forced_bos_token_id = first;
    }
  }
  for (size_t row = 0; row < inputs_.size(); ++row) {
    RETURN_IF_ERROR(CheckStillWanted());
    const absl::Status prepared = PrepareRow(row);
    if (!prepared.ok()) return InRow(row, prepared);
  }
  int64_t input_tokens = 0;
  for (const GeneratedRow& result : results_) input_tokens += result.input_tokens;
  OnPrepared(input_tokens, /*converted=*/true);
  return absl::OkStatus();
}

absl::Status GenerateRequest::PrepareRow(size_t row) {
  rows_[row].first_part = parts_.size();
  const bool is_text = generator_.translation_tokenizer() != nullptr;
  RETURN_IF_ERROR(is_text ? PrepareText(row) : PreparePicture(row));
  rows_[row].num_parts = parts_.size() - rows_[row].first_part;
  rows_[row].parts_left = static_cast<int64_t>(rows_[row].num_parts);
  if (rows_[row].num_parts > 0) return absl::OkStatus();
  // Nothing but white space: it stays as it is.
  results_[row].alternatives.push_back({texts_[row], 0, {}});
  results_[row].sentences = 0;
  if (observer_ != nullptr) {
    if (!texts_[row].empty()) observer_->OnText(row, texts_[row]);
    observer_->OnRow(row, results_[row]);
  }
  SkipRows(1);
  return absl::OkStatus();
}

absl::Status GenerateRequest::PrepareText(size_t row) {
  if (!options_.split_sentences) return AddTextPart(row, inputs_[row].text);
  texts_[row] = std::string(inputs_[row].text);
  ASSIGN_OR_RETURN(rows_[row].sentences, FindSentences(texts_[row], options_.languages.source));
  results_[row].sentences = static_cast<int64_t>(rows_[row].sentences.size());
  for (size_t i = 0; i < rows_[row].sentences.size(); ++i) {
    const SentenceSpan& span = rows_[row].sentences[i];
    const size_t number = parts_.size();
    const absl::Status added =
        AddTextPart(row, absl::string_view(texts_[row]).substr(span.begin, span.end - span.begin));
    if (!added.ok()) return Prefixed(absl::StrCat("sentence ", i + 1), added);
    if (i == 0) parts_[number].text = texts_[row].substr(0, span.begin);
  }
  return absl::OkStatus();
}

absl::Status GenerateRequest::AddTextPart(size_t row, absl::string_view text) {
  EncodeOptions encode;
  encode.max_length = generator_.max_source_length();
  encode.truncate = options_.truncate;
  encode.truncation_side = options_.truncation_side;
  ASSIGN_OR_RETURN(SourceTokens source, generator_.translation_tokenizer()->EncodeSource(
                                            text, options_.languages, encode));
  GeneratedRow& result = results_[row];
  result.truncated_tokens += source.truncated_tokens;
  result.source_ids.insert(result.source_ids.end(), source.ids.begin(), source.ids.end());
  GenerationInput input;
  input.source_ids = std::move(source.ids);
  return AddPart(row, std::move(input));
}

absl::Status GenerateRequest::PreparePicture(size_t row) {
  GenerationInput input;
  const absl::Span<const float> pixels = inputs_[row].image.pixels;
  if (pixels.empty()) {
    ASSIGN_OR_RETURN(input.pixels, PixelsOf(inputs_[row].image.file, *generator_.image_processor(),
                                            model().model->info(), images_));
  } else {
    input.pixels.assign(pixels.begin(), pixels.end());
  }
  return AddPart(row, std::move(input));
}

int64_t GenerateRequest::SourceTokensOf(const GenerationInput& input) const {
  return input.source_ids.empty() ? model().model->info().max_length
                                  : static_cast<int64_t>(input.source_ids.size());
}

absl::Status GenerateRequest::AddPart(size_t row, GenerationInput input) {
  input.options = options_.generation;
  input.want_cross_attentions = options_.cross_attention;
  RETURN_IF_ERROR(generator_.Validate(input));
  RETURN_IF_ERROR(model().generation->CheckSize(input));
  results_[row].input_tokens += SourceTokensOf(input);
  parts_.push_back({row, std::move(input), {}, TextStream(&generator_), "", false});
  return absl::OkStatus();
}

std::vector<std::unique_ptr<BatchTask>> GenerateRequest::MakeTasks() {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.reserve(parts_.size());
  for (size_t part = 0; part < parts_.size(); ++part) {
    tasks.push_back(std::make_unique<PartTask>(*this, part));
  }
  return tasks;
}

void GenerateRequest::OnToken(size_t part, int32_t token) {
  if (observer_ == nullptr || ended()) return;
  // Of several samples the best is not known yet.
  if (options_.generation.num_return_sequences > 1) return;
  parts_[part].text += parts_[part].stream.Add(token);
  TellRow(parts_[part].row);
}

void GenerateRequest::TellRow(size_t row_number) {
  Row& row = rows_[row_number];
  std::string text;
  while (row.part_told < row.num_parts) {
    Part& part = parts_[row.first_part + row.part_told];
    text += std::exchange(part.text, "");
    if (!part.done) break;
    ++row.part_told;
    if (row.sentences.empty()) break;
    // What stands between this sentence and the next, or behind the last.
    const bool is_last = row.part_told == row.num_parts;
    const size_t begin = row.sentences[row.part_told - 1].end;
    const size_t end = is_last ? texts_[row_number].size() : row.sentences[row.part_told].begin;
    text += texts_[row_number].substr(begin, end - begin);
  }
  if (!text.empty()) observer_->OnText(row_number, text);
}

void GenerateRequest::RecordTimes(const GenerationResult& result, const GenerationTimes& times) {
  int64_t longest = 0, output_tokens = 0;
  for (const GeneratedSequence& sequence : result.sequences) {
    longest = std::max(longest, static_cast<int64_t>(sequence.ids.size()));
    output_tokens += static_cast<int64_t>(sequence.ids.size());
  }
  model().metrics->AddTokens("output", output_tokens);
  model().metrics->ObserveFirstToken(times.first_token - call().arrival);
  if (longest > 1) {
    model().metrics->ObserveTimePerToken((times.last_token - times.first_token) /
                                         static_cast<double>(longest - 1));
  }
  Record([&](CallTiming& timing) {
    timing.queue = std::max(timing.queue, times.joined - queued());
    timing.compute = std::max(timing.compute, times.last_token - times.joined);
    timing.output_tokens += output_tokens;
    ++timing.batches;
  });
}

void GenerateRequest::FinishPart(size_t number, GenerationResult result,
                                 const GenerationTimes& times) {
  if (ended()) return;
  Part& part = parts_[number];
  RecordTimes(result, times);
  part.result = std::move(result);
  part.done = true;
  if (observer_ != nullptr && !part.result.sequences.empty()) {
    const auto text = generator_.Decode(part.result.sequences.front().ids);
    if (!text.ok()) return End(text.status());
    part.text += part.stream.Finish(*text);
    TellRow(part.row);
  }
  if (--rows_[part.row].parts_left > 0) return;
  EndRows(1, FinishRow(part.row));
}

absl::StatusOr<GeneratedRow::Alternative> GenerateRequest::MakeAlternative(const Row& row,
                                                                           size_t number) const {
  GeneratedRow::Alternative alternative;
  std::vector<std::string> texts;
  for (size_t i = 0; i < row.num_parts; ++i) {
    const Part& part = parts_[row.first_part + i];
    const GeneratedSequence& sequence = part.result.sequences[number];
    ASSIGN_OR_RETURN(std::string text, generator_.Decode(sequence.ids));
    texts.push_back(std::move(text));
    alternative.score += sequence.score;
    alternative.ids.insert(alternative.ids.end(), sequence.ids.begin(), sequence.ids.end());
  }
  const size_t row_number = parts_[row.first_part].row;
  alternative.text = row.sentences.empty()
                         ? std::move(texts.front())
                         : ReplaceSentences(texts_[row_number], row.sentences, texts);
  return alternative;
}

absl::Status GenerateRequest::FinishRow(size_t number) {
  const Row& row = rows_[number];
  GeneratedRow& result = results_[number];
  size_t alternatives = parts_[row.first_part].result.sequences.size();
  for (size_t i = 0; i < row.num_parts; ++i) {
    const GenerationResult& part = parts_[row.first_part + i].result;
    alternatives = std::min(alternatives, part.sequences.size());
  }
  if (alternatives == 0) return absl::InternalError("the model wrote nothing");
  for (size_t i = 0; i < alternatives; ++i) {
    ASSIGN_OR_RETURN(GeneratedRow::Alternative alternative, MakeAlternative(row, i));
    result.alternatives.push_back(std::move(alternative));
  }
  model().metrics->AddTokens("input", result.input_tokens);
  if (options_.cross_attention) {
    ASSIGN_OR_RETURN(result.cross_attention, MeanCrossAttention(parts_[row.first_part].result));
  }
  if (observer_ == nullptr) return absl::OkStatus();
  observer_->OnRow(number, result);
  return absl::OkStatus();
}

void GenerateRequest::Answer(const absl::Status& status, const CallTiming& timing) {
  if (status.ok()) model().statistics->RecordExecution();
  std::exchange(done_, nullptr)(
      status, status.ok() ? std::move(results_) : std::vector<GeneratedRow>(), timing);
}

}  // namespace attentiond
