#include "core/text/models/bpe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/text/scratch.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr int32_t kNone = -1;

uint64_t PairKey(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

// A part of a word, in a list of those that are left.
struct Symbol {
  int32_t id;
  int32_t previous;  // kNone at the ends
  int32_t next;
  uint32_t size;  // bytes; 0 once it is merged into the one before
};

// A pair that may be merged, unless one of its symbols has changed since.
struct Candidate {
  uint32_t rank;
  int32_t position;  // of the left symbol
  int32_t id;        // of the merged one

  // For a heap whose top has the lowest rank, of equals the leftmost.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }
};

absl::Status CheckOptions(const json& section, const Bpe::Options& options) {
  const auto dropout = section.find("dropout");
  if (dropout != section.end() && !dropout->is_null() && *dropout != json(0.0)) {
    return absl::UnimplementedError(
        "\"dropout\" is not supported: a text must always give the "
        "same tokens (set it to null)");
  }
  if (options.byte_fallback &&
      (!options.continuing_prefix.empty() || !options.end_suffix.empty())) {
    return absl::UnimplementedError(
        "\"byte_fallback\" is not supported with \"continuing_subword_prefix\" or "
        "\"end_of_word_suffix\"");
  }
  return absl::OkStatus();
}

}  // namespace

// Working memory.
struct Bpe::Symbols {
  std::vector<Symbol> list;
  std::vector<Candidate> queue;

  void Add(int32_t id, size_t size) {
    const auto index = static_cast<int32_t>(list.size());
    if (index > 0) list.back().next = index;
    list.push_back({id, index - 1, kNone, static_cast<uint32_t>(size)});
  }
};

absl::StatusOr<std::unique_ptr<TokenModel>> Bpe::FromJson(const json& section) {
  Options options;
  ASSIGN_OR_RETURN(options.continuing_prefix, GetString(section, "continuing_subword_prefix", ""));
  ASSIGN_OR_RETURN(options.end_suffix, GetString(section, "end_of_word_suffix", ""));
  ASSIGN_OR_RETURN(options.fuse_unknown, GetBool(section, "fuse_unk", false));
  ASSIGN_OR_RETURN(options.byte_fallback, GetBool(section, "byte_fallback", false));
  ASSIGN_OR_RETURN(options.ignore_merges, GetBool(section, "ignore_merges", false));
  const auto unknown = section.find("unk_token");
  if (unknown != section.end() && !unknown->is_null()) {
    ASSIGN_OR_RETURN(options.unknown_token, GetString(section, "unk_token", ""));
  }
  RETURN_IF_ERROR(CheckOptions(section, options));
  const auto vocab = section.find("vocab");
  const auto merges = section.find("merges");
  if (vocab == section.end()) return absl::InvalidArgumentError("has no \"vocab\"");
  if (merges == section.end()) return absl::InvalidArgumentError("has no \"merges\"");
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromJson(*vocab));
  std::unique_ptr<Bpe> bpe(new Bpe(std::move(vocabulary), std::move(options)));
  RETURN_IF_ERROR(bpe->AddMerges(*merges));
  return bpe;
}

Bpe::Bpe(Vocabulary vocabulary, Options options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  if (options_.unknown_token.has_value()) unknown_id_ = vocabulary_.Find(*options_.unknown_token);
  for (size_t c = 0; c < short_ids_.size(); ++c) {
    std::string character;
    AppendUtf8(static_cast<char32_t>(c), &character);
    short_ids_[c] = vocabulary_.Find(character).value_or(kNone);
  }
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary_.Find(absl::StrFormat("<0x%02X>", byte)).value_or(kNone);
  }
}

absl::Status Bpe::AddMerges(const json& merges) {
  const absl::Status wrong =
      absl::InvalidArgumentError("\"merges\" is not a list of pairs, \"a b\" or [\"a\", \"b\"]");
  if (!merges.is_array()) return wrong;
  merges_.reserve(merges.size());
  uint32_t rank = 0;
  for (const json& merge : merges) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      RETURN_IF_ERROR(AddMerge(merge[0].get_ref<const std::string&>(),
                               merge[1].get_ref<const std::string&>(), rank++));
      continue;
    }
    if (!merge.is_string()) return wrong;
    const absl::string_view pair = merge.get_ref<const std::string&>();
    if (absl::StartsWith(pair, "#version")) continue;
    const size_t space = pair.find(' ');
    if (space == absl::string_view::npos || pair.find(' ', space + 1) != absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("merge ", Quoted(pair), " is not two tokens with a space between"));
    }
    RETURN_IF_ERROR(AddMerge(pair.substr(0, space), pair.substr(space + 1), rank++));
  }
  return absl::OkStatus();
}

absl::Status Bpe::AddMerge(absl::string_view left, absl::string_view right, uint32_t rank) {
  const size_t prefix = options_.continuing_prefix.size();
  const std::string merged =
      absl::StrCat(left, right.size() < prefix ? absl::string_view() : right.substr(prefix));
  const std::optional<int32_t> ids[] = {vocabulary_.Find(left), vocabulary_.Find(right),
                                        vocabulary_.Find(merged)};
  if (!ids[0] || !ids[1] || !ids[2] || right.size() < prefix) {
    return absl::InvalidArgumentError(absl::StrCat("merge ", Quoted(absl::StrCat(left, " ", right)),
                                                   " has or makes a token, ",
                                                   Quoted(!ids[0]   ? left
                                                          : !ids[1] ? right
                                                                    : absl::string_view(merged)),
                                                   ", that is not in \"vocab\""));
  }
  merges_[PairKey(*ids[0], *ids[1])] = {rank, *ids[2]};  // of equals the last counts
  return absl::OkStatus();
}

const Bpe::Merge* Bpe::FindMerge(int32_t left, int32_t right) const {
  const auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

absl::Status Bpe::Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const {
  if (options_.ignore_merges) {
    if (const std::optional<int32_t> id = vocabulary_.Find(word)) {
      tokens->push_back({*id, 0, word.size()});
      return absl::OkStatus();
    }
  }
  static thread_local Symbols symbols;
  if (absl::Status status = Begin(word, &symbols); !status.ok()) {
    ResetScratch(&symbols.list);
    return status;
  }
  MergeAll(&symbols);
  // A character without a token and without an unknown one is left out, and what follows moves up.
  size_t begin = 0;
  for (const Symbol& symbol : symbols.list) {
    if (symbol.size == 0) continue;
    tokens->push_back({symbol.id, begin, begin + symbol.size});
    begin += symbol.size;
  }
  ResetScratch(&symbols.list);
  ResetScratch(&symbols.queue);
  return absl::OkStatus();
}

std::optional<int32_t> Bpe::CharacterId(absl::string_view word, size_t begin, size_t end) const {
  if (options_.continuing_prefix.empty() && options_.end_suffix.empty()) {
    size_t position = begin;
    const char32_t c = NextCodePoint(word, &position);
    if (c >= short_ids_.size()) return vocabulary_.Find(word.substr(begin, end - begin));
    return short_ids_[c] == kNone ? std::nullopt : std::optional<int32_t>(short_ids_[c]);
  }
  return vocabulary_.Find(absl::StrCat(begin > 0 ? options_.continuing_prefix : "",
                                       word.substr(begin, end - begin),
                                       end == word.size() ? options_.end_suffix : ""));
}

bool Bpe::AddBytes(absl::string_view character, Symbols* symbols) const {
  const auto id_of = [this](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (std::any_of(character.begin(), character.end(),
                  [&](char byte) { return id_of(byte) == kNone; })) {
    return false;
  }
  for (const char byte : character) symbols->Add(id_of(byte), 1);
  return true;
}

absl::Status Bpe::Begin(absl::string_view word, Symbols* symbols) const {
  size_t unknown_size = 0;  // of the unknown characters that wait to be added
  const auto add_unknown = [&] {
    if (unknown_size > 0) symbols->Add(*unknown_id_, unknown_size);
    unknown_size = 0;
  };
  for (size_t begin = 0; begin < word.size();) {
    size_t end = begin;
    NextCodePoint(word, &end);
    const size_t size = end - begin;
    if (const std::optional<int32_t> id = CharacterId(word, begin, end)) {
      add_unknown();
      symbols->Add(*id, size);
    } else if (options_.byte_fallback && AddBytes(word.substr(begin, size), symbols)) {
      // As in the library, unknown characters before these bytes wait until after them.
    } else if (options_.unknown_token.has_value()) {
      if (!unknown_id_.has_value()) {
        return absl::InvalidArgumentError(absl::StrCat("\"unk_token\" ",
                                                       Quoted(*options_.unknown_token),
                                                       " is not in the tokenizer's vocabulary"));
      }
      if (!options_.fuse_unknown) add_unknown();
      unknown_size += size;
    }
    begin = end;
  }
  add_unknown();
  return absl::OkStatus();
}

void Bpe::MergeAll(Symbols* symbols) const {
  std::vector<Symbol>& list = symbols->list;
  std::vector<Candidate>& queue = symbols->queue;
  const auto candidate = [&](int32_t left, int32_t right) -> const Merge* {
    if (left == kNone || right == kNone) return nullptr;
    return FindMerge(list[static_cast<size_t>(left)].id, list[static_cast<size_t>(right)].id);
  };
  for (int32_t i = 1; i < static_cast<int32_t>(list.size()); ++i) {
    if (const Merge* merge = candidate(i - 1, i)) queue.push_back({merge->rank, i - 1, merge->id});
  }
  std::make_heap(queue.begin(), queue.end());
  while (!queue.empty()) {
    const Candidate top = queue.front();
    std::pop_heap(queue.begin(), queue.end());
    queue.pop_back();
    Symbol& left = list[static_cast<size_t>(top.position)];
    if (left.size == 0 || left.next == kNone) continue;
    const Merge* const current = candidate(top.position, left.next);
    if (current == nullptr || current->id != top.id) continue;
    Symbol& right = list[static_cast<size_t>(left.next)];
    left.id = top.id;
    left.size += right.size;
    left.next = right.next;
    right.size = 0;
    if (left.next != kNone) list[static_cast<size_t>(left.next)].previous = top.position;
    const auto push = [&](int32_t first, int32_t second) {
      const Merge* const merge = candidate(first, second);
      if (merge == nullptr) return;
      queue.push_back({merge->rank, first, merge->id});
      std::push_heap(queue.begin(), queue.end());
    };
    push(left.previous, top.position);
    push(top.position, left.next);
  }
}

}  // namespace attentiond
