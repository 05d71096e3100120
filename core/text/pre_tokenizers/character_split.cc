#include "core/text/pre_tokenizers/character_split.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<PreTokenizer>> CharacterSplit::WhitespaceSplit(
    const nlohmann::json&) {
  return std::make_unique<CharacterSplit>(IsWhitespace, 0, SplitBehavior::kRemoved);
}

absl::StatusOr<std::unique_ptr<PreTokenizer>> CharacterSplit::Punctuation(
    const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string name, GetString(json, "behavior", "Isolated"));
  ASSIGN_OR_RETURN(const SplitBehavior behavior, ParseSplitBehavior(name));
  return std::make_unique<CharacterSplit>(IsPunctuation, 0, behavior);
}

absl::StatusOr<std::unique_ptr<PreTokenizer>> CharacterSplit::Digits(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const bool individual, GetBool(json, "individual_digits", false));
  return std::make_unique<CharacterSplit>(
      IsNumeric, 0, individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
}

absl::StatusOr<std::unique_ptr<PreTokenizer>> CharacterSplit::Delimiter(
    const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string delimiter, GetString(json, "delimiter", ""));
  size_t end = 0;
  const char32_t c = delimiter.empty() ? U'\0' : NextCodePoint(delimiter, &end);
  if (delimiter.empty() || end != delimiter.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"delimiter\" is ", Quoted(delimiter), ", one character is required"));
  }
  return std::make_unique<CharacterSplit>(nullptr, c, SplitBehavior::kRemoved);
}

absl::Status CharacterSplit::PreTokenize(PreTokenizedText* text) const {
  std::vector<WordRange> words;
  words.reserve(text->text.text().size() / 4 + 1);
  std::vector<Piece> pieces;
  for (const WordRange& range : text->words) {
    const absl::string_view word = text->word(range);
    pieces.clear();
    uint32_t done = 0;
    for (size_t i = 0; i < word.size();) {
      const auto begin = static_cast<uint32_t>(i);
      const char32_t c = NextCodePoint(word, &i);
      if (!(splits_at_ == nullptr ? c == delimiter_ : splits_at_(c))) continue;
      if (done < begin) pieces.push_back({done, begin, false});
      done = static_cast<uint32_t>(i);
      pieces.push_back({begin, done, true});
    }
    if (done < word.size()) pieces.push_back({done, static_cast<uint32_t>(word.size()), false});
    AppendWords(behavior_, range.begin, &pieces, &words);
  }
  text->words = std::move(words);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PreTokenizer>> WhitespacePreTokenizer::FromJson(
    const nlohmann::json&) {
  return std::make_unique<WhitespacePreTokenizer>();
}

absl::Status WhitespacePreTokenizer::PreTokenize(PreTokenizedText* text) const {
  enum class Kind : uint8_t { kSpace, kWord, kOther };
  const auto kind_of = [](char32_t c) {
    if (IsWordCharacter(c)) return Kind::kWord;
    return IsWhitespace(c) ? Kind::kSpace : Kind::kOther;
  };
  std::vector<WordRange> words;
  words.reserve(text->text.text().size() / 4 + 1);
  for (const WordRange& range : text->words) {
    size_t begin = range.begin;
    Kind run = Kind::kSpace;
    for (size_t i = range.begin; i < range.end;) {
      const size_t at = i;
      const Kind kind = kind_of(NextCodePoint(text->text.text(), &i));
      if (kind == run) continue;
      if (run != Kind::kSpace) {
        words.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(at)});
      }
      run = kind;
      begin = at;
    }
    if (run != Kind::kSpace) words.push_back({static_cast<uint32_t>(begin), range.end});
  }
  text->words = std::move(words);
  return absl::OkStatus();
}

}  // namespace attentiond
