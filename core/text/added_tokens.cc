#include "core/text/added_tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

bool TouchesWord(absl::string_view text, size_t begin, size_t end) {
  if (begin > 0) {
    size_t before = begin;
    if (IsWordCharacter(PreviousCodePoint(text, &before))) return true;
  }
  if (end < text.size()) {
    size_t after = end;
    if (IsWordCharacter(NextCodePoint(text, &after))) return true;
  }
  return false;
}

// Where the white space that ends at `position` begins, but not before `floor`.
size_t SkipSpaceBefore(absl::string_view text, size_t floor, size_t position) {
  while (position > floor) {
    size_t previous = position;
    if (!IsWhitespace(PreviousCodePoint(text, &previous))) break;
    position = previous;
  }
  return position;
}

// Where the white space that begins at `position` ends.
size_t SkipSpaceAfter(absl::string_view text, size_t position) {
  while (position < text.size()) {
    size_t next = position;
    if (!IsWhitespace(NextCodePoint(text, &next))) break;
    position = next;
  }
  return position;
}

// Remembers the last run of white space, in which the next token may be, and the next after that.
class SpaceAfter {
 public:
  explicit SpaceAfter(absl::string_view text) : text_(text) {}
  size_t Skip(size_t position) {
    if (position < begin_ || position > end_) {
      begin_ = position;
      end_ = SkipSpaceAfter(text_, position);
    }
    return end_;
  }

 private:
  absl::string_view text_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

absl::StatusOr<AddedToken> ParseToken(const json& entry) {
  AddedToken token;
  ASSIGN_OR_RETURN(const int64_t id, GetInt(entry, "id", -1));
  ASSIGN_OR_RETURN(token.content, GetString(entry, "content", ""));
  if (token.content.empty()) return absl::InvalidArgumentError("a token has no \"content\"");
  if (token.content.size() > Vocabulary::kMaxTokenBytes) {
    return absl::InvalidArgumentError(absl::StrCat("token ", Quoted(token.content), " has ",
                                                   token.content.size(), " bytes, at most ",
                                                   Vocabulary::kMaxTokenBytes, " are allowed"));
  }
  if (id < 0 || id >= Vocabulary::kMaxSize) {
    return absl::InvalidArgumentError(absl::StrCat("the id of token ", Quoted(token.content),
                                                   " is ", id, ", 0 to ", Vocabulary::kMaxSize - 1,
                                                   " is required"));
  }
  token.id = static_cast<int32_t>(id);
  ASSIGN_OR_RETURN(token.single_word, GetBool(entry, "single_word", false));
  ASSIGN_OR_RETURN(token.lstrip, GetBool(entry, "lstrip", false));
  ASSIGN_OR_RETURN(token.rstrip, GetBool(entry, "rstrip", false));
  ASSIGN_OR_RETURN(token.special, GetBool(entry, "special", false));
  ASSIGN_OR_RETURN(token.normalized, GetBool(entry, "normalized", !token.special));
  return token;
}

}  // namespace

AddedTokens::Matcher::Matcher(const std::vector<std::pair<absl::string_view, int32_t>>& keys)
    : trie_(keys) {
  for (const auto& [key, id] : keys) {
    if (key.empty()) continue;
    empty_ = false;
    begins_token_[static_cast<unsigned char>(key[0])] = true;
  }
}

AddedTokens::Segment AddedTokens::Matcher::Next(absl::string_view text, size_t* position) const {
  for (size_t i = *position; i < text.size(); ++i) {
    if (!begins_token_[static_cast<unsigned char>(text[i])]) continue;
    const TokenTrie::Match match = trie_.LongestPrefix(text.substr(i));
    if (match.length == 0) continue;
    *position = i + match.length;
    return {i, *position, match.value};
  }
  *position = text.size();
  return {};
}

absl::Status AddedTokens::Add(const json& entry, const Vocabulary& vocabulary) {
  ASSIGN_OR_RETURN(AddedToken token, ParseToken(entry));
  const auto clash = [&token](absl::string_view other, int32_t other_id) {
    return absl::InvalidArgumentError(absl::StrCat("token ", Quoted(token.content), " has id ",
                                                   token.id, ", but ", Quoted(other), " has id ",
                                                   other_id));
  };
  const std::optional<int32_t> known_id = vocabulary.Find(token.content);
  const absl::string_view known_token = vocabulary.Token(token.id);
  if (known_id.has_value() && *known_id != token.id) return clash(token.content, *known_id);
  if (!known_token.empty() && known_token != token.content) return clash(known_token, token.id);
  const auto [by_content, is_new] = ids_.emplace(token.content, token.id);
  if (!is_new) return clash(token.content, by_content->second);
  const auto [by_id, is_new_id] = tokens_.emplace(token.id, token);
  if (!is_new_id) return clash(by_id->second.content, token.id);
  size_ = std::max(size_, token.id + 1);
  return absl::OkStatus();
}

absl::StatusOr<AddedTokens> AddedTokens::FromJson(const json& list, const Vocabulary& vocabulary,
                                                  const Normalizer* normalizer) {
  AddedTokens added;
  if (list.is_null()) return added;
  if (!list.is_array()) return absl::InvalidArgumentError("is not a list");
  for (const json& entry : list) RETURN_IF_ERROR(added.Add(entry, vocabulary));

  std::vector<std::pair<absl::string_view, int32_t>> source;
  std::vector<std::pair<std::string, int32_t>> normalized;
  for (auto& [id, token] : added.tokens_) {
    token.text = token.content;
    if (!token.normalized) {
      source.emplace_back(token.content, id);
      continue;
    }
    AlignedText text(token.content, 0);
    if (normalizer != nullptr) RETURN_IF_ERROR(normalizer->Normalize(&text));
    token.text = std::string(text.text());
    normalized.emplace_back(token.text, id);
  }
  for (auto& [id, token] : added.tokens_) {
    const auto named = added.ids_.find(token.text);
    token.skipped = named != added.ids_.end() && added.tokens_.at(named->second).special;
  }
  // The hash map's order is arbitrary; two tokens may have one normalized form.
  std::sort(normalized.begin(), normalized.end());
  added.source_ = Matcher(source);
  added.normalized_ = Matcher({normalized.begin(), normalized.end()});
  return added;
}

std::vector<AddedTokens::Segment> AddedTokens::SplitSource(absl::string_view text) const {
  return Split(text, source_);
}

std::vector<AddedTokens::Segment> AddedTokens::SplitNormalized(absl::string_view text) const {
  return Split(text, normalized_);
}

const AddedToken* AddedTokens::Find(int32_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::vector<AddedTokens::Segment> AddedTokens::Split(absl::string_view text,
                                                     const Matcher& matcher) const {
  std::vector<Segment> segments;
  size_t done = 0;
  SpaceAfter space_after(text);
  for (size_t position = 0; position < text.size();) {
    Segment segment = matcher.Next(text, &position);
    if (segment.id == kBetween) break;
    const AddedToken& token = tokens_.at(segment.id);
    if (token.single_word && TouchesWord(text, segment.begin, segment.end)) continue;
    // The token before may have taken this white space already, or even this token.
    if (token.lstrip) {
      segment.begin = std::max(SkipSpaceBefore(text, done, segment.begin), done);
    }
    if (token.rstrip) segment.end = space_after.Skip(segment.end);
    if (segment.begin >= segment.end) continue;
    if (done < segment.begin) segments.push_back({done, segment.begin});
    segments.push_back(segment);
    done = segment.end;
  }
  if (done < text.size()) segments.push_back({done, text.size()});
  return segments;
}

}  // namespace attentiond
