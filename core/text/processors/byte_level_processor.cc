#include "core/text/processors/byte_level_processor.h"

#include <algorithm>

#include "core/base/status_macros.h"
#include "core/text/byte_alphabet.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

bool IsSpace(char32_t c) { return c == kByteLevelSpace || IsWhitespace(c); }

}  // namespace

absl::StatusOr<std::unique_ptr<PostProcessor>> ByteLevelProcessor::FromJson(
    const nlohmann::json& json, const Vocabulary& vocabulary) {
  ASSIGN_OR_RETURN(const bool trims, GetBool(json, "trim_offsets", true));
  ASSIGN_OR_RETURN(const bool add_prefix_space, GetBool(json, "add_prefix_space", true));
  return std::unique_ptr<PostProcessor>(
      new ByteLevelProcessor(vocabulary, trims, add_prefix_space));
}

ByteLevelProcessor::ByteLevelProcessor(const Vocabulary& vocabulary, bool trims,
                                       bool add_prefix_space)
    : trims_(trims), add_prefix_space_(add_prefix_space) {
  if (!trims_) return;
  spaces_.reserve(static_cast<size_t>(vocabulary.size()));
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    spaces_.push_back(CountSpaces(vocabulary.Token(id)));
  }
}

ByteLevelProcessor::Spaces ByteLevelProcessor::CountSpaces(absl::string_view token) {
  Spaces spaces;
  for (size_t i = 0; i < token.size() && IsSpace(NextCodePoint(token, &i));) ++spaces.leading;
  for (size_t i = token.size(); i > 0 && IsSpace(PreviousCodePoint(token, &i));) ++spaces.trailing;
  return spaces;
}

void ByteLevelProcessor::Process(const PostProcessContext& context,
                                 std::vector<Encoding>* parts) const {
  if (!trims_) return;
  for (Encoding& part : *parts) {
    for (size_t i = 0; i < part.ids.size(); ++i) {
      if (part.sequence[i] < 0) continue;
      part.offsets[i] = Trim(part.offsets[i], part.ids[i], i == 0,
                             context.texts[static_cast<size_t>(part.sequence[i])]);
    }
  }
}

ByteLevelProcessor::Spaces ByteLevelProcessor::SpacesOf(int64_t begin, int32_t id,
                                                        const PostProcessText& text) const {
  const auto verbatim = std::lower_bound(
      text.verbatim.begin(), text.verbatim.end(), begin,
      [](const VerbatimToken& token, int64_t place) { return token.begin < place; });
  if (verbatim != text.verbatim.end() && verbatim->begin == begin) {
    return CountSpaces(verbatim->text);
  }
  return static_cast<size_t>(id) < spaces_.size() ? spaces_[static_cast<size_t>(id)] : Spaces();
}

Encoding::Offset ByteLevelProcessor::Trim(Encoding::Offset place, int32_t id, bool is_first,
                                          const PostProcessText& text) const {
  Spaces spaces = SpacesOf(place.begin, id, text);
  const bool at_beginning = is_first || place.begin == 0;
  if (at_beginning && add_prefix_space_ && spaces.leading == 1) spaces.leading = 0;

  auto begin = static_cast<size_t>(place.begin);
  auto end = static_cast<size_t>(place.end);
  for (; spaces.leading > 0 && begin < end; --spaces.leading) NextCodePoint(text.source, &begin);
  for (; spaces.trailing > 0 && end > 0; --spaces.trailing) PreviousCodePoint(text.source, &end);
  if (spaces.trailing > 0) end = static_cast<size_t>(place.end);  // more than there is before it
  return {static_cast<int64_t>(begin), static_cast<int64_t>(std::max(begin, end))};
}

}  // namespace attentiond
