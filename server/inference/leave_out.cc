// server/inference/leave_out.cc -- neighbouring tokens of one word joined.
#include "server/inference/leave_out.h"

#include "core/text/unicode.h"
#include "server/inference/token_spans.h"

namespace attentiond {
namespace {

/// Takes white space off both ends of the word's place in `text`.
void Trim(absl::string_view text, InputWord* word) {
  auto begin = static_cast<size_t>(word->bytes.begin), end = static_cast<size_t>(word->bytes.end);
  for (size_t next = begin; begin < end && IsWhitespace(NextCodePoint(text, &next)); begin = next) {
    ++word->char_begin;
  }
  for (size_t last = end; begin < end && IsWhitespace(PreviousCodePoint(text, &last)); end = last) {
    --word->char_end;
  }
  word->bytes = {static_cast<int64_t>(begin), static_cast<int64_t>(end)};
}

InputWord WordAt(size_t token, const Encoding& encoding, const TokenSpan& span) {
  return {.token_begin = token,
          .token_end = token + 1,
          .sequence = encoding.sequence[token],
          .index = *span.word,
          .bytes = encoding.offsets[token],
          .char_begin = span.char_begin,
          .char_end = span.char_end};
}

void Extend(const Encoding::Offset& bytes, const TokenSpan& span, InputWord* word) {
  ++word->token_end;
  // Tokens of one character share its bytes: the end may stay where it is.
  word->bytes.end = bytes.end;
  word->char_end = span.char_end;
}

}  // namespace

std::vector<InputWord> WordsOf(const Encoding& encoding, absl::string_view text,
                               std::optional<absl::string_view> pair) {
  const std::vector<TokenSpan> spans = SpansOf(encoding, text, pair);
  std::vector<InputWord> runs;
  for (size_t token = 0; token < spans.size(); ++token) {
    if (encoding.sequence[token] < 0) continue;
    const bool joins = !runs.empty() && runs.back().token_end == token &&
                       runs.back().sequence == encoding.sequence[token] &&
                       runs.back().index == spans[token].word;
    if (joins) {
      Extend(encoding.offsets[token], spans[token], &runs.back());
    } else {
      runs.push_back(WordAt(token, encoding, spans[token]));
    }
  }

  std::vector<InputWord> words;
  const InputWord* blank = nullptr;  // white space that waits for its word
  for (InputWord& run : runs) {
    Trim(run.sequence == 0 ? text : pair.value_or(absl::string_view()), &run);
    const bool follows =
        blank != nullptr && blank->token_end == run.token_begin && blank->sequence == run.sequence;
    if (follows) run.token_begin = blank->token_begin;
    const bool is_blank = run.bytes.begin == run.bytes.end;
    blank = is_blank ? &run : nullptr;
    if (!is_blank) words.push_back(run);
  }
  return words;
}

std::vector<int32_t> Without(const InputWord& word, const std::vector<int32_t>& values) {
  std::vector<int32_t> kept;
  kept.reserve(values.size() - (word.token_end - word.token_begin));
  for (size_t token = 0; token < values.size(); ++token) {
    if (token < word.token_begin || token >= word.token_end) kept.push_back(values[token]);
  }
  return kept;
}

}  // namespace attentiond
