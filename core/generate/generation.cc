#include "core/generate/generation.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/base/status_macros.h"
#include "core/generate/beam_search.h"
#include "core/generate/next_token.h"
#include "core/ops/logits.h"

namespace attentiond {
namespace {

constexpr int64_t kTokens = KeyValueLayout::kTokens;
// Rows of a slice of logits that are worth a thread.
constexpr int64_t kGrainRows = 4;
// A source alone takes nearly as long to encode as a few together, and all that run wait for it:
// so it waits for others to come, the longer the more run.
constexpr size_t kRunningPerJoining = 8;
constexpr int64_t kMostStepsWaited = 4;

}  // namespace

/// One input that runs: its memory, and the sequences that are written for it, one a beam or a
/// sample.
class Generation::Sequence {
 public:
  Sequence(int64_t key, GenerationInput input, int64_t memory_length, int64_t reserved)
      : key_(key), input_(std::move(input)), memory_length_(memory_length), reserved_(reserved) {
    const GenerationOptions& options = input_.options;
    if (options.num_beams > 1) {
      search_.emplace(options);
    } else {
      samples_.resize(static_cast<size_t>(options.num_return_sequences));
      for (size_t i = 0; i < samples_.size(); ++i) running_samples_.push_back(i);
    }
    pages_.resize(num_rows());
  }

  int64_t key() const { return key_; }
  const GenerationInput& input() const { return input_; }
  const GenerationOptions& options() const { return input_.options; }
  int64_t memory_length() const { return memory_length_; }
  int64_t reserved() const { return reserved_; }
  bool encoded() const { return encoded_; }
  std::vector<int32_t>& memory_pages() { return memory_pages_; }
  void SetEncoded() { encoded_ = true; }

  size_t num_rows() const { return search_ ? search_->running().size() : running_samples_.size(); }
  const Hypothesis& row(size_t index) const {
    return search_ ? search_->running()[index] : samples_[running_samples_[index]];
  }
  std::vector<int32_t>& pages(size_t index) { return pages_[index]; }
  int64_t candidates_per_row() const { return search_ ? search_->candidates_per_beam() : 1; }
  /// Which of the samples a row is.
  int64_t sample(size_t index) const {
    return search_ ? 0 : static_cast<int64_t>(running_samples_[index]);
  }

  /// Adds each row's next token. Returns whether it is done.
  bool Advance(absl::Span<const std::vector<ScoredToken>> next,
               absl::Span<const CrossWeights> cross_weights, PagePool* pool);
  /// The new token that can be shown.
  std::optional<int32_t> Progress() const {
    if (search_ || samples_.front().tokens.size() <= shown_) return std::nullopt;
    return samples_.front().tokens.back();
  }
  void Shown() { shown_ = search_ ? 0 : samples_.front().tokens.size(); }
  GenerationResult TakeResult(const Decoder& decoder);
  void ReleasePages(PagePool* pool) {
    for (const std::vector<int32_t>& pages : pages_) pool->Release(pages);
    pool->Release(memory_pages_);
    pages_.clear();
    memory_pages_.clear();
  }

 private:
  bool AdvanceSamples(absl::Span<const std::vector<ScoredToken>> next,
                      absl::Span<const CrossWeights> cross_weights, PagePool* pool);
  bool Ends(const Hypothesis& sample) const;

  const int64_t key_;
  const GenerationInput input_;
  const int64_t memory_length_, reserved_;
  bool encoded_ = false;
  std::vector<int32_t> memory_pages_;
  std::optional<BeamSearch> search_;
  std::vector<Hypothesis> samples_;
  std::vector<size_t> running_samples_;
  size_t shown_ = 0;
  std::vector<std::vector<int32_t>> pages_;  // of each row
};

bool Generation::Sequence::Ends(const Hypothesis& sample) const {
  const std::vector<int32_t>& ends = options().eos_token_id;
  return static_cast<int64_t>(sample.tokens.size()) >= options().max_new_tokens ||
         std::find(ends.begin(), ends.end(), sample.tokens.back()) != ends.end();
}

bool Generation::Sequence::AdvanceSamples(absl::Span<const std::vector<ScoredToken>> next,
                                          absl::Span<const CrossWeights> cross_weights,
                                          PagePool* pool) {
  std::vector<size_t> running;
  std::vector<std::vector<int32_t>> pages;
  for (size_t row = 0; row < running_samples_.size(); ++row) {
    Hypothesis& sample = samples_[running_samples_[row]];
    // When nothing may follow it ends as it is.
    const bool goes_on = !next[row].empty();
    if (goes_on) {
      sample.tokens.push_back(next[row].front().token);
      sample.score += next[row].front().score;
      if (!cross_weights.empty()) sample.cross_weights.push_back(cross_weights[row]);
    }
    if (!goes_on || Ends(sample)) {
      pool->Release(pages_[row]);
    } else {
      running.push_back(running_samples_[row]);
      pages.push_back(std::move(pages_[row]));
    }
  }
  running_samples_ = std::move(running);
  pages_ = std::move(pages);
  return running_samples_.empty();
}

bool Generation::Sequence::Advance(absl::Span<const std::vector<ScoredToken>> next,
                                   absl::Span<const CrossWeights> cross_weights, PagePool* pool) {
  if (!search_) return AdvanceSamples(next, cross_weights, pool);
  const std::vector<size_t> parents = search_->Advance(next, cross_weights);
  // By reference: a page is copied when one of those that share it writes into it.
  std::vector<std::vector<int32_t>> pages;
  for (const size_t parent : parents) {
    pages.push_back(pages_[parent]);
    for (const int32_t page : pages.back()) pool->Share(page);
  }
  for (const std::vector<int32_t>& before : pages_) pool->Release(before);
  pages_ = std::move(pages);
  return search_->done();
}

GenerationResult Generation::Sequence::TakeResult(const Decoder& decoder) {
  GenerationResult result;
  std::vector<Hypothesis> done = search_ ? search_->TakeResults() : std::move(samples_);
  if (!search_) {
    for (Hypothesis& sample : done) {
      if (sample.tokens.empty()) continue;
      sample.score /=
          LengthPenalty(static_cast<int64_t>(sample.tokens.size()), options().length_penalty);
    }
  }
  const auto wanted = static_cast<size_t>(options().num_return_sequences);
  done.resize(std::min(done.size(), wanted));
  for (const CrossWeights& weights : done.front().cross_weights) {
    result.cross_attentions.insert(result.cross_attentions.end(), weights->begin(), weights->end());
  }
  result.cross_layers = decoder.config().num_layers;
  result.cross_heads = decoder.config().num_heads;
  result.source_length = memory_length_;
  for (Hypothesis& hypothesis : done) {
    result.sequences.push_back({std::move(hypothesis.tokens), double{hypothesis.score}});
  }
  return result;
}

/// A row of a step.
struct Generation::Row {
  Sequence* sequence = nullptr;
  size_t index = 0;             // which of the sequence's
  std::vector<int32_t> tokens;  // the start token, and the new ones
  DecoderRow decoder;
  std::shared_ptr<std::vector<float>> cross_weights;  // nullptr: not wanted
};

Generation::Generation(const SourceModel* source, const Decoder* decoder, int64_t num_pages)
    : source_(*source), decoder_(*decoder), pool_(decoder->layout(), num_pages) {}

Generation::~Generation() = default;

int64_t Generation::PagesFor(const GenerationInput& input) const {
  const GenerationOptions& options = input.options;
  const int64_t rows = options.num_beams > 1 ? options.num_beams : options.num_return_sequences;
  // The last new token is not read any more, but the start token is.
  return KeyValueLayout::PagesOf(source_.SourceLength(input)) +
         rows * KeyValueLayout::PagesOf(options.max_new_tokens);
}

int64_t Generation::num_rows() const {
  int64_t rows = 0;
  for (const auto& [key, sequence] : sequences_) rows += static_cast<int64_t>(sequence->num_rows());
  return rows;
}

void Generation::Add(int64_t key, GenerationInput input) {
  const int64_t pages = PagesFor(input);
  pool_.Reserve(pages);
  const int64_t length = source_.SourceLength(input);
  sequences_[key] = std::make_unique<Sequence>(key, std::move(input), length, pages);
}

void Generation::Remove(int64_t key) {
  const auto found = sequences_.find(key);
  if (found == sequences_.end()) return;
  Leave(*found->second);
  sequences_.erase(found);
}

void Generation::Leave(Sequence& sequence) {
  sequence.ReleasePages(&pool_);
  pool_.Unreserve(sequence.reserved());
}

absl::Status Generation::EncodeNew(ExecutionContext& context, GenerationStep* step) {
  std::vector<Sequence*> joining;
  std::vector<const GenerationInput*> inputs;
  for (const auto& [key, sequence] : sequences_) {
    if (sequence->encoded()) continue;
    joining.push_back(sequence.get());
    inputs.push_back(&sequence->input());
  }
  if (joining.empty()) return absl::OkStatus();
  const size_t running = sequences_.size() - joining.size();
  if (joining.size() * kRunningPerJoining < running && ++steps_waited_ <= kMostStepsWaited) {
    return absl::OkStatus();
  }
  steps_waited_ = 0;
  ASSIGN_OR_RETURN(const TensorView states, source_.Encode(inputs, context));
  std::vector<PagedToken> places;
  for (Sequence* const sequence : joining) {
    std::vector<int32_t>& pages = sequence->memory_pages();
    pool_.Release(pages);  // of a step that failed
    pages.clear();
    for (int64_t token = 0; token < sequence->memory_length(); ++token) {
      if (token % kTokens == 0) pages.push_back(pool_.Allocate());
      places.push_back({pool_.page(pages.back()), token % kTokens});
    }
  }
  RETURN_IF_ERROR(decoder_.WriteMemory(states, places, context));
  for (Sequence* const sequence : joining) sequence->SetEncoded();
  step->source_tokens += static_cast<int64_t>(places.size());
  return absl::OkStatus();
}

std::vector<Generation::Row> Generation::CollectRows() {
  std::vector<Row> rows;
  for (const auto& [key, sequence] : sequences_) {
    if (!sequence->encoded()) continue;
    for (size_t index = 0; index < sequence->num_rows(); ++index) {
      const Hypothesis& hypothesis = sequence->row(index);
      Row row{sequence.get(), index, {sequence->options().decoder_start_token_id}, {}, nullptr};
      row.tokens.insert(row.tokens.end(), hypothesis.tokens.begin(), hypothesis.tokens.end());
      const auto position = static_cast<int64_t>(row.tokens.size()) - 1;
      std::vector<int32_t>& pages = sequence->pages(index);
      if (static_cast<size_t>(position / kTokens) == pages.size()) {
        pages.push_back(pool_.Allocate());
      } else if (pool_.IsShared(pages.back())) {
        pages.back() = pool_.CopyOf(pages.back());
      }
      row.decoder.token = row.tokens.back();
      row.decoder.position = position;
      row.decoder.pages = pages.data();
      row.decoder.memory_pages = sequence->memory_pages().data();
      row.decoder.memory_length = sequence->memory_length();
      if (sequence->input().want_cross_attentions) {
        const StackConfig& config = decoder_.config();
        row.cross_weights = std::make_shared<std::vector<float>>(
            static_cast<size_t>(config.num_layers * config.num_heads * sequence->memory_length()));
        row.decoder.cross_weights = row.cross_weights->data();
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

absl::Status Generation::Step(ExecutionContext& context, GenerationStep* step) {
  if (sequences_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(EncodeNew(context, step));
  std::vector<Row> rows = CollectRows();
  std::vector<NextToken> scores;
  scores.reserve(rows.size());
  for (const Row& row : rows) {
    const Sequence& sequence = *row.sequence;
    scores.emplace_back(sequence.options(), row.tokens, sequence.candidates_per_row(),
                        sequence.sample(row.index), decoder_.vocab_size());
  }
  // Those in front take the likeliest token alone, those behind logits.
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto behind = std::stable_partition(order.begin(), order.end(), [&](size_t r) {
    return decoder_.finds_likeliest() && scores[r].WantsLikeliest();
  });
  std::vector<LargestOutput> likeliest;
  for (auto r = order.begin(); r != behind; ++r) {
    likeliest.push_back({.excluded = scores[*r].excluded()});
  }
  std::vector<DecoderRow> decoder_rows;
  for (const size_t r : order) decoder_rows.push_back(rows[r].decoder);
  const auto read_logits = [&](const Decoder::LogitsSlice& slice) {
    context.threads().ParallelFor(
        order.end() - behind, kGrainRows, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            scores[behind[i]].Add(slice.first_token, slice.row(static_cast<size_t>(i)));
          }
        });
  };
  RETURN_IF_ERROR(
      decoder_.Run(decoder_rows, pool_.data(), absl::MakeSpan(likeliest), read_logits, context));
  for (size_t i = 0; i < likeliest.size(); ++i) scores[order[i]].SetLikeliest(likeliest[i]);
  step->decoded_rows += static_cast<int64_t>(rows.size());
  std::vector<std::vector<ScoredToken>> next(rows.size());
  for (size_t r = 0; r < rows.size(); ++r) next[r] = scores[r].Best();

  size_t first = 0;
  while (first < rows.size()) {
    Sequence& sequence = *rows[first].sequence;
    const size_t count = sequence.num_rows();
    std::vector<CrossWeights> cross_weights;
    for (size_t r = first; r < first + count && rows[r].cross_weights != nullptr; ++r) {
      cross_weights.push_back(std::move(rows[r].cross_weights));
    }
    const bool done =
        sequence.Advance(absl::MakeConstSpan(next).subspan(first, count), cross_weights, &pool_);
    if (const std::optional<int32_t> token = sequence.Progress()) {
      step->new_tokens.emplace_back(sequence.key(), *token);
      sequence.Shown();
    }
    first += count;
    if (!done) continue;
    step->finished.emplace_back(sequence.key(), sequence.TakeResult(decoder_));
    Leave(sequence);
    sequences_.erase(step->finished.back().first);
  }
  return absl::OkStatus();
}

}  // namespace attentiond
