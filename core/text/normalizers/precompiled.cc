#include "core/text/normalizers/precompiled.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/aligned_rewriter.h"
#include "core/text/graphemes.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

// A unit of the double array: a label to compare with, or a value.
bool HasLeaf(uint32_t unit) { return ((unit >> 8) & 1) == 1; }
uint32_t Value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t Label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t Offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

int64_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuationByte(c); });
}

// No replacement is longer than this; a longer one would only blow texts up.
bool HasLongEntry(absl::string_view replacements) {
  constexpr size_t kMaxEntry = 1024;
  for (size_t begin = 0; begin < replacements.size();) {
    const size_t end = std::min(replacements.find('\0', begin), replacements.size());
    if (end - begin > kMaxEntry) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

// A character of the result, as AlignedRewriter::Emit takes it.
struct Precompiled::Change {
  char32_t c;
  int change;
};

Precompiled::Precompiled(std::vector<uint32_t> trie, std::string replacements)
    : trie_(std::move(trie)), replacements_(std::move(replacements)) {}

absl::StatusOr<std::unique_ptr<Normalizer>> Precompiled::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string encoded, GetString(json, "precompiled_charsmap", ""));
  const absl::Status broken =
      absl::InvalidArgumentError("\"precompiled_charsmap\" is not a table of replacements");
  std::string bytes;
  uint32_t trie_bytes = 0;
  if (!absl::Base64Unescape(encoded, &bytes) || bytes.size() < sizeof(trie_bytes)) return broken;
  std::memcpy(&trie_bytes, bytes.data(), sizeof(trie_bytes));
  const size_t available = bytes.size() - sizeof(trie_bytes);
  std::vector<uint32_t> trie(trie_bytes / sizeof(uint32_t));
  if (trie.empty() || trie.size() * sizeof(uint32_t) > available) return broken;
  std::memcpy(trie.data(), bytes.data() + sizeof(trie_bytes), trie.size() * sizeof(uint32_t));
  std::string replacements = bytes.substr(sizeof(trie_bytes) + trie.size() * sizeof(uint32_t));
  if (FindInvalidUtf8(replacements).has_value() || HasLongEntry(replacements)) return broken;
  return std::unique_ptr<Normalizer>(new Precompiled(std::move(trie), std::move(replacements)));
}

std::optional<absl::string_view> Precompiled::Find(absl::string_view part) const {
  uint32_t node = Offset(trie_[0]);
  for (const char c : part) {
    const auto label = static_cast<unsigned char>(c);
    if (label == 0) break;
    node ^= label;
    if (node >= trie_.size() || Label(trie_[node]) != label) break;
    const uint32_t unit = trie_[node];
    node ^= Offset(unit);
    if (!HasLeaf(unit)) continue;
    const size_t begin = node < trie_.size() ? Value(trie_[node]) : replacements_.size();
    if (begin >= replacements_.size() || IsContinuationByte(replacements_[begin])) break;
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    return absl::string_view(replacements_).substr(begin, end - begin);
  }
  return std::nullopt;
}

void Precompiled::Add(absl::string_view grapheme, bool* changed,
                      std::vector<Change>* changes) const {
  const auto replace = [changed, changes](absl::string_view part, absl::string_view by) {
    *changed = true;
    for (size_t i = 0; i < by.size();) changes->push_back({NextCodePoint(by, &i), 0});
    const int64_t added = CountCharacters(by) - CountCharacters(part);
    for (int64_t i = 0; i < added; ++i) changes->rbegin()[i].change = 1;
    // What is dropped at the beginning of a text is not accounted for, as there.
    if (added < 0 && !changes->empty()) changes->back().change += static_cast<int>(added);
  };
  constexpr size_t kShortGrapheme = 6;
  if (grapheme.size() < kShortGrapheme) {
    if (const auto by = Find(grapheme)) return replace(grapheme, *by);
  }
  for (size_t i = 0; i < grapheme.size();) {
    const size_t begin = i;
    const char32_t c = NextCodePoint(grapheme, &i);
    const absl::string_view part = grapheme.substr(begin, i - begin);
    if (const auto by = Find(part)) {
      replace(part, *by);
    } else {
      changes->push_back({c, 0});
    }
  }
}

absl::Status Precompiled::Normalize(AlignedText* text) const {
  std::vector<Change> changes;
  changes.reserve(text->text().size());
  bool changed = false;
  ForEachGrapheme(text->text(), [&](absl::string_view grapheme) {
    if (changes.size() <= AlignedText::kMaxBytes) Add(grapheme, &changed, &changes);
  });
  if (!changed) return absl::OkStatus();
  AlignedRewriter out(*text);
  for (const Change& change : changes) out.Emit(change.c, change.change);
  *text = std::move(out).Finish();
  return text->CheckSize();
}

}  // namespace attentiond
