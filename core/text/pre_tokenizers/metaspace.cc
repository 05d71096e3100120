#include "core/text/pre_tokenizers/metaspace.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {

absl::StatusOr<MetaspaceOptions> MetaspaceOptions::FromJson(const nlohmann::json& json) {
  MetaspaceOptions options;
  ASSIGN_OR_RETURN(options.replacement, GetString(json, "replacement", "\u2581"));
  size_t end = 0;
  if (!options.replacement.empty()) NextCodePoint(options.replacement, &end);
  if (options.replacement.empty() || end != options.replacement.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"replacement\" is ", Quoted(options.replacement), ", one character is required"));
  }
  ASSIGN_OR_RETURN(const std::string scheme, GetString(json, "prepend_scheme", "always"));
  ASSIGN_OR_RETURN(const bool add_prefix_space, GetBool(json, "add_prefix_space", true));
  ASSIGN_OR_RETURN(options.split, GetBool(json, "split", true));
  if (scheme == "always") {
    options.prepend = add_prefix_space ? Prepend::kAlways : Prepend::kNever;
  } else if (scheme == "first") {
    options.prepend = add_prefix_space ? Prepend::kFirst : Prepend::kNever;
  } else if (scheme == "never") {
    options.prepend = Prepend::kNever;
  } else {
    return absl::UnimplementedError(
        absl::StrCat("\"prepend_scheme\" ", Quoted(scheme),
                     " is not supported (supported: always, first, never)"));
  }
  return options;
}

absl::StatusOr<std::unique_ptr<PreTokenizer>> Metaspace::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(MetaspaceOptions options, MetaspaceOptions::FromJson(json));
  return std::make_unique<Metaspace>(std::move(options));
}

absl::Status Metaspace::PreTokenize(PreTokenizedText* text) const {
  AlignedText out = AlignedText::RewriteOf(text->text);
  out.Reserve(text->text.text().size() * 3 / 2);
  std::vector<WordRange> words;
  words.reserve(text->text.text().size() / 4 + 1);
  for (const WordRange& range : text->words) {
    const auto begin = static_cast<uint32_t>(out.text().size());
    AppendWord(*text, range, &out);
    Split(out.text(), {begin, static_cast<uint32_t>(out.text().size())}, &words);
  }
  text->text = std::move(out);
  text->words = std::move(words);
  return text->text.CheckSize();
}

void Metaspace::AppendWord(const PreTokenizedText& text, const WordRange& range,
                           AlignedText* out) const {
  using Prepend = MetaspaceOptions::Prepend;
  const absl::string_view word = text.word(range);
  const SourceSpan first = text.text.Source(range.begin, range.begin + 1);
  const bool begins_so =
      absl::StartsWith(word, " ") || absl::StartsWith(word, options_.replacement);
  const bool prepends = options_.prepend == Prepend::kAlways ||
                        (options_.prepend == Prepend::kFirst && first.begin == 0);
  if (prepends && !begins_so) out->Append(options_.replacement, first);
  for (size_t i = range.begin; i < range.end;) {
    const size_t space = std::min<size_t>(text.text.text().find(' ', i), range.end);
    if (i < space) out->AppendSlice(text.text, i, space);
    if (space < range.end) out->Append(options_.replacement, text.text.Source(space, space + 1));
    i = space + 1;
  }
}

// A word begins at each replacement.
void Metaspace::Split(absl::string_view text, const WordRange& range,
                      std::vector<WordRange>* words) const {
  uint32_t begin = range.begin;
  while (options_.split && begin < range.end) {
    const size_t next = text.find(options_.replacement, begin + 1);
    if (next >= range.end) break;
    words->push_back({begin, static_cast<uint32_t>(next)});
    begin = static_cast<uint32_t>(next);
  }
  if (begin < range.end) words->push_back({begin, range.end});
}

}  // namespace attentiond
