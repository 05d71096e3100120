#include "core/text/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/utext.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/status_macros.h"
#include "core/text/text_check.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

// Without the white space around it; empty when there is nothing else.
SentenceSpan Trim(absl::string_view text, SentenceSpan span) {
  while (span.begin < span.end) {
    size_t next = span.begin;
    if (!IsWhitespace(NextCodePoint(text, &next))) break;
    span.begin = next;
  }
  while (span.end > span.begin) {
    size_t previous = span.end;
    if (!IsWhitespace(PreviousCodePoint(text, &previous))) break;
    span.end = previous;
  }
  return span;
}

// "eng_Latn" is a locale; "@ss=standard" has it not break after its abbreviations.
icu::Locale SentenceLocale(absl::string_view language) {
  return icu::Locale::createCanonical(absl::StrCat(language, "@ss=standard").c_str());
}

}  // namespace

absl::StatusOr<std::vector<SentenceSpan>> FindSentences(absl::string_view text,
                                                        absl::string_view language) {
  RETURN_IF_ERROR(CheckText(text, "text"));
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> iterator(
      icu::BreakIterator::createSentenceInstance(SentenceLocale(language), error));
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &error);
  if (U_SUCCESS(error)) iterator->setText(&utext, error);
  if (U_FAILURE(error)) {
    utext_close(&utext);
    return absl::InternalError(absl::StrCat("ICU does not find sentences: ", u_errorName(error)));
  }
  std::vector<SentenceSpan> sentences;
  int32_t begin = iterator->first();
  for (int32_t end = iterator->next(); end != icu::BreakIterator::DONE; end = iterator->next()) {
    const SentenceSpan span = Trim(text, {static_cast<size_t>(begin), static_cast<size_t>(end)});
    if (span.begin < span.end) sentences.push_back(span);
    begin = end;
  }
  utext_close(&utext);
  return sentences;
}

std::string ReplaceSentences(absl::string_view text, absl::Span<const SentenceSpan> sentences,
                             absl::Span<const std::string> replacements) {
  ATTENTIOND_CHECK(sentences.size() == replacements.size());
  std::string result;
  size_t position = 0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    absl::StrAppend(&result, text.substr(position, sentences[i].begin - position), replacements[i]);
    position = sentences[i].end;
  }
  absl::StrAppend(&result, text.substr(position));
  return result;
}

}  // namespace attentiond
