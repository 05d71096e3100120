#include "core/text/pre_tokenizers/pattern_split.h"

#include <string>
#include <vector>

#include "core/base/status_macros.h"
#include "core/weights/json_file.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<PreTokenizer>> PatternSplit::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(Pattern pattern, Pattern::FromJson(json));
  ASSIGN_OR_RETURN(const std::string name, GetString(json, "behavior", ""));
  ASSIGN_OR_RETURN(const SplitBehavior behavior, ParseSplitBehavior(name));
  ASSIGN_OR_RETURN(const bool invert, GetBool(json, "invert", false));
  return std::make_unique<PatternSplit>(std::move(pattern), behavior, invert);
}

absl::Status PatternSplit::PreTokenize(PreTokenizedText* text) const {
  std::vector<WordRange> words;
  words.reserve(text->text.text().size() / 4 + 1);
  std::vector<Piece> pieces;
  for (const WordRange& range : text->words) {
    pieces.clear();
    RETURN_IF_ERROR(pattern_.Find(text->word(range), &pieces));
    for (Piece& piece : pieces) piece.is_match ^= invert_;
    AppendWords(behavior_, range.begin, &pieces, &words);
  }
  text->words = std::move(words);
  return absl::OkStatus();
}

}  // namespace attentiond
