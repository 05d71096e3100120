#include "core/text/pre_tokenizers/byte_level.h"

#include <vector>

#include "absl/strings/match.h"
#include "core/base/status_macros.h"
#include "core/text/byte_alphabet.h"
#include "core/text/split_behavior.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

constexpr absl::string_view kWords =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

// Puts a space before each word that has none; the space's place is the first character's.
void AddPrefixSpaces(PreTokenizedText* text) {
  AlignedText out = AlignedText::RewriteOf(text->text);
  out.Reserve(text->text.text().size() + text->words.size());
  for (WordRange& range : text->words) {
    const auto begin = static_cast<uint32_t>(out.text().size());
    if (!absl::StartsWith(text->word(range), " ")) {
      out.Append(U' ', text->text.Source(range.begin, range.begin + 1));
    }
    out.AppendSlice(text->text, range.begin, range.end);
    range = {begin, static_cast<uint32_t>(out.text().size())};
  }
  text->text = std::move(out);
}

void WriteBytes(PreTokenizedText* text) {
  AlignedText out = AlignedText::RewriteOf(text->text);
  out.Reserve(text->text.text().size() * 5 / 4);
  for (WordRange& range : text->words) {
    const auto begin = static_cast<uint32_t>(out.text().size());
    ByteAlphabet::Get().AppendSlice(text->text, range.begin, range.end, &out);
    range = {begin, static_cast<uint32_t>(out.text().size())};
  }
  text->text = std::move(out);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PreTokenizer>> ByteLevelPreTokenizer::FromJson(
    const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const bool add_prefix_space, GetBool(json, "add_prefix_space", true));
  ASSIGN_OR_RETURN(const bool use_regex, GetBool(json, "use_regex", true));
  std::optional<Regex> words;
  if (use_regex) {
    ASSIGN_OR_RETURN(words, Regex::Compile(kWords));
  }
  return std::unique_ptr<PreTokenizer>(
      new ByteLevelPreTokenizer(add_prefix_space, std::move(words)));
}

absl::Status ByteLevelPreTokenizer::PreTokenize(PreTokenizedText* text) const {
  if (add_prefix_space_) AddPrefixSpaces(text);
  if (words_.has_value()) {
    std::vector<WordRange> words;
    words.reserve(text->text.text().size() / 4 + 1);
    std::vector<Piece> pieces;
    for (const WordRange& range : text->words) {
      pieces.clear();
      RETURN_IF_ERROR(words_->Find(text->word(range), &pieces));
      AppendWords(SplitBehavior::kIsolated, range.begin, &pieces, &words);
    }
    text->words = std::move(words);
  }
  WriteBytes(text);
  return text->text.CheckSize();
}

}  // namespace attentiond
