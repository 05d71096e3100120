#include "core/text/pipeline_tokenizer.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/text/text_check.h"
#include "core/text/truncation.h"

namespace attentiond {
namespace {

void Append(Encoding&& part, Encoding* all) {
  if (all->ids.empty()) {
    *all = std::move(part);
    return;
  }
  all->ids.insert(all->ids.end(), part.ids.begin(), part.ids.end());
  all->type_ids.insert(all->type_ids.end(), part.type_ids.begin(), part.type_ids.end());
  all->offsets.insert(all->offsets.end(), part.offsets.begin(), part.offsets.end());
  all->sequence.insert(all->sequence.end(), part.sequence.begin(), part.sequence.end());
}

}  // namespace

// Collects the tokens of one text: counts all, keeps the first, or the last, `max_kept`.
class PipelineTokenizer::TokenSink {
 public:
  TokenSink(int64_t max_kept, int64_t max_length, TruncationSide side, bool reads_verbatim)
      : max_kept_(max_kept),
        max_length_(max_length),
        side_(side),
        reads_verbatim_(reads_verbatim) {}

  void Add(int32_t id, SourceSpan span) {
    if (side_ == TruncationSide::kRight && num_tokens_ >= max_kept_) {
      ++num_tokens_;
      return;
    }
    ++num_tokens_;
    encoding_.ids.push_back(id);
    encoding_.offsets.push_back({span.begin, span.end});
    if (encoding_.size() / 2 > max_kept_) KeepLast(max_kept_);
  }
  /// Tells that the model begins a word, and has finished it.
  void BeginWord() { word_begin_ = num_tokens_; }
  void EndWord() {
    if (side_ == TruncationSide::kLeft) {
      if (max_length_ == std::numeric_limits<int64_t>::max()) return;  // nothing is cut
      word_begins_.push_back(word_begin_);
      // Those that cannot matter any more: another word begins close enough to the end.
      while (word_begins_.size() > 1 && num_tokens_ - word_begins_[1] >= max_length_) {
        word_begins_.pop_front();
      }
    } else if (!full_at_.has_value() && num_tokens_ >= max_length_) {
      full_at_ = num_tokens_;
    }
  }

  int64_t num_tokens() const { return num_tokens_; }
  /// The tokens up to the end of the word with which there are `max_length`. The library reads no
  /// further, so these are the lengths by which it tells the longer text.
  int64_t num_read() const {
    if (side_ == TruncationSide::kRight) return full_at_.value_or(num_tokens_);
    for (auto begin = word_begins_.rbegin(); begin != word_begins_.rend(); ++begin) {
      if (num_tokens_ - *begin >= max_length_) return num_tokens_ - *begin;
    }
    return num_tokens_;
  }
  /// The first, or last, `length` tokens.
  Encoding Take(int64_t length) && {
    if (side_ == TruncationSide::kLeft) KeepLast(length);
    encoding_.ids.resize(static_cast<size_t>(length));
    encoding_.offsets.resize(static_cast<size_t>(length));
    return std::move(encoding_);
  }
  /// Notes what the token to be added next is called.
  void AddVerbatim(absl::string_view text, SourceSpan span) {
    if (reads_verbatim_) verbatim_.push_back({span.begin, std::string(text)});
  }
  std::vector<VerbatimToken> TakeVerbatim() { return std::move(verbatim_); }
  /// Working memory that outlives a word.
  std::vector<ModelToken>& scratch() { return scratch_; }

 private:
  void KeepLast(int64_t length) {
    const int64_t surplus = encoding_.size() - length;
    if (surplus <= 0) return;
    encoding_.ids.erase(encoding_.ids.begin(), encoding_.ids.begin() + surplus);
    encoding_.offsets.erase(encoding_.offsets.begin(), encoding_.offsets.begin() + surplus);
  }

  const int64_t max_kept_;
  const int64_t max_length_;
  const TruncationSide side_;
  const bool reads_verbatim_;
  int64_t num_tokens_ = 0;
  std::optional<int64_t> full_at_;
  int64_t word_begin_ = 0;
  std::deque<int64_t> word_begins_;  // tokens before each of the last words
  Encoding encoding_;
  std::vector<VerbatimToken> verbatim_;
  std::vector<ModelToken> scratch_;
};

PipelineTokenizer::PipelineTokenizer(TokenizerParts parts)
    : parts_(std::move(parts)),
      vocab_size_(std::max(parts_.model->vocabulary().size(), parts_.added_tokens.size())) {}

absl::StatusOr<Encoding> PipelineTokenizer::Encode(absl::string_view text,
                                                   std::optional<absl::string_view> pair,
                                                   const EncodeOptions& options) const {
  RETURN_IF_ERROR(CheckText(text, "text"));
  if (pair.has_value()) RETURN_IF_ERROR(CheckText(*pair, "pair"));
  const int64_t num_added = options.add_special_tokens && parts_.post_processor != nullptr
                                ? parts_.post_processor->num_added_tokens(pair.has_value())
                                : 0;
  if (options.max_length < 0 || (options.max_length > 0 && options.max_length < num_added)) {
    return absl::InvalidArgumentError(absl::StrCat("max_length is ", options.max_length,
                                                   ", at least ", num_added,
                                                   " is required, for the special tokens"));
  }
  const int64_t max_length =
      options.max_length == 0 ? std::numeric_limits<int64_t>::max() : options.max_length;
  const int64_t max_tokens = max_length - num_added;

  const bool reads_verbatim =
      parts_.post_processor != nullptr && parts_.post_processor->reads_verbatim();
  TokenSink text_sink(max_tokens, max_length, options.truncation_side, reads_verbatim);
  TokenSink pair_sink(max_tokens, max_length, options.truncation_side, reads_verbatim);
  RETURN_IF_ERROR(EncodeText(text, &text_sink));
  if (pair.has_value()) RETURN_IF_ERROR(EncodeText(*pair, &pair_sink));
  const int64_t num_found = text_sink.num_tokens() + pair_sink.num_tokens();
  const SequenceLengths kept = TruncateLongestFirst({text_sink.num_read(), pair_sink.num_read()},
                                                    max_tokens, pair.has_value());
  if (!options.truncate && num_found > max_tokens) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the text", pair.has_value() ? " and its pair have " : " has ", num_found + num_added,
        " tokens, at most ", options.max_length, " are allowed; truncate cuts it to that"));
  }

  std::vector<Encoding> parts;
  parts.push_back(std::move(text_sink).Take(kept.text));
  if (pair.has_value()) parts.push_back(std::move(pair_sink).Take(kept.pair));
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].type_ids.assign(parts[i].ids.size(), static_cast<int32_t>(i));
    parts[i].sequence.assign(parts[i].ids.size(), static_cast<int8_t>(i));
  }
  if (parts_.post_processor != nullptr) {
    const PostProcessText texts[] = {{text, text_sink.TakeVerbatim()},
                                     {pair.value_or(""), pair_sink.TakeVerbatim()}};
    parts_.post_processor->Process({options.add_special_tokens, texts}, &parts);
  }
  Encoding all;
  for (Encoding& part : parts) Append(std::move(part), &all);
  all.truncated_tokens = num_found - kept.text - kept.pair;
  return all;
}

absl::Status PipelineTokenizer::EncodeText(absl::string_view text, TokenSink* sink) const {
  for (const AddedTokens::Segment& segment : parts_.added_tokens.SplitSource(text)) {
    const absl::string_view segment_text = text.substr(segment.begin, segment.end - segment.begin);
    if (segment.id != AddedTokens::kBetween) {
      const SourceSpan span = {static_cast<int32_t>(segment.begin),
                               static_cast<int32_t>(segment.end)};
      sink->AddVerbatim(segment_text, span);
      sink->Add(segment.id, span);
      continue;
    }
    AlignedText between(segment_text, segment.begin);
    if (parts_.normalizer != nullptr) RETURN_IF_ERROR(parts_.normalizer->Normalize(&between));
    RETURN_IF_ERROR(EncodeBetweenAddedTokens(std::move(between), sink));
  }
  return absl::OkStatus();
}

absl::Status PipelineTokenizer::EncodeBetweenAddedTokens(AlignedText text, TokenSink* sink) const {
  if (!parts_.added_tokens.has_normalized()) return EncodeWords(std::move(text), sink);
  for (const AddedTokens::Segment& segment : parts_.added_tokens.SplitNormalized(text.text())) {
    if (segment.id != AddedTokens::kBetween) {
      const SourceSpan span = text.Source(segment.begin, segment.end);
      sink->AddVerbatim(text.text().substr(segment.begin, segment.end - segment.begin), span);
      sink->Add(segment.id, span);
    } else {
      RETURN_IF_ERROR(EncodeWords(text.Slice(segment.begin, segment.end), sink));
    }
  }
  return absl::OkStatus();
}

absl::Status PipelineTokenizer::EncodeWords(AlignedText text, TokenSink* sink) const {
  if (text.text().empty()) return absl::OkStatus();
  const auto size = static_cast<uint32_t>(text.text().size());
  PreTokenizedText pre_tokenized{std::move(text), {{0, size}}};
  if (parts_.pre_tokenizer != nullptr) {
    RETURN_IF_ERROR(parts_.pre_tokenizer->PreTokenize(&pre_tokenized));
  }
  std::vector<ModelToken>& tokens = sink->scratch();
  for (const WordRange& word : pre_tokenized.words) {
    tokens.clear();
    RETURN_IF_ERROR(parts_.model->Tokenize(pre_tokenized.word(word), &tokens));
    sink->BeginWord();
    for (const ModelToken& token : tokens) {
      const WordRange range = {word.begin + static_cast<uint32_t>(token.begin),
                               word.begin + static_cast<uint32_t>(token.end)};
      const SourceSpan span = pre_tokenized.text.Source(range.begin, range.end);
      if (token.is_verbatim) sink->AddVerbatim(pre_tokenized.word(range), span);
      sink->Add(token.id, span);
    }
    sink->EndWord();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PipelineTokenizer::Decode(absl::Span<const int32_t> ids,
                                                      bool skip_special_tokens) const {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const int32_t id : ids) {
    RETURN_IF_ERROR(CheckTokenId(id, vocab_size_));
    const AddedToken* const added = parts_.added_tokens.Find(id);
    if (skip_special_tokens && added != nullptr && added->skipped) continue;
    const absl::string_view token = Token(id);
    if (!token.empty()) pieces.emplace_back(token);
  }
  if (parts_.decoder == nullptr) return absl::StrJoin(pieces, " ");
  RETURN_IF_ERROR(parts_.decoder->Decode(&pieces));
  return absl::StrJoin(pieces, "");
}

absl::string_view PipelineTokenizer::Token(int32_t id) const {
  const AddedToken* const added = parts_.added_tokens.Find(id);
  return added != nullptr ? absl::string_view(added->text) : parts_.model->vocabulary().Token(id);
}

}  // namespace attentiond
