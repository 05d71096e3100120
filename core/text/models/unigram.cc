#include "core/text/models/unigram.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/text/scratch.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr double kUnknownPenalty = 10;
constexpr int32_t kNone = -1;

absl::Status NoUnknownToken() {
  return absl::InvalidArgumentError(
      "the text has a character that is not in the tokenizer's vocabulary, which has no "
      "\"unk_id\"");
}

// A score as the library has it: it reads a number as its digits, divided by a power of ten, and so
// rounds twice when there are more than fifteen of them. Cuts whose scores are equal but for that
// are common ("9" "99" and "99" "9").
double AsTheLibraryReads(double score) {
  std::array<char, 32> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), std::abs(score),
                                     std::chars_format::scientific);
  uint64_t digits = 0;
  int exponent = 0;
  const char* c = text.data();
  for (bool in_fraction = false; c != written.ptr && *c != 'e'; ++c) {
    if (*c == '.') {
      in_fraction = true;
      continue;
    }
    digits = digits * 10 + static_cast<uint64_t>(*c - '0');
    exponent -= in_fraction ? 1 : 0;
  }
  int written_exponent = 0;
  c += c != written.ptr ? 1 : 0;
  if (c != written.ptr && *c == '+') ++c;
  std::from_chars(c, written.ptr, written_exponent);
  exponent += written_exponent;
  constexpr int kLargestPower = 308;
  if (exponent < -kLargestPower || exponent > kLargestPower) return score;
  double power = 1;
  if (!absl::SimpleAtod(absl::StrCat("1e", std::abs(exponent)), &power)) return score;
  const double value =
      exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
  return score < 0 ? -value : value;
}

}  // namespace

// The best cut of the word up to a byte: its last token and where that begins.
struct Unigram::BestPath {
  double score = 0;
  int32_t begin = kNone;
  int32_t id = kNone;
};

absl::StatusOr<std::unique_ptr<TokenModel>> Unigram::FromJson(const json& section) {
  const auto vocab = section.find("vocab");
  if (vocab == section.end() || !vocab->is_array() || vocab->empty()) {
    return absl::InvalidArgumentError("\"vocab\" is not a list of [token, score]");
  }
  std::vector<std::string> tokens;
  std::vector<double> scores;
  for (const json& entry : *vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"vocab\" entry ", tokens.size(), " is not [token, score]"));
    }
    tokens.push_back(entry[0].get<std::string>());
    scores.push_back(AsTheLibraryReads(entry[1].get<double>()));
  }
  ASSIGN_OR_RETURN(const int64_t unknown, GetInt(section, "unk_id", kNone));
  if (unknown < kNone || unknown >= static_cast<int64_t>(tokens.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"unk_id\" is ", unknown, ", 0 to ", tokens.size() - 1, " is required"));
  }
  ASSIGN_OR_RETURN(const bool byte_fallback, GetBool(section, "byte_fallback", false));
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromTokens(tokens));
  return std::unique_ptr<TokenModel>(new Unigram(
      std::move(vocabulary), std::move(scores),
      unknown == kNone ? std::nullopt : std::optional<int32_t>(static_cast<int32_t>(unknown)),
      byte_fallback));
}

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores,
                 std::optional<int32_t> unknown_id, bool byte_fallback)
    : vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      unknown_id_(unknown_id),
      byte_fallback_(byte_fallback),
      unknown_score_(*std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty),
      trie_(vocabulary_.Entries()) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary_.Find(absl::StrFormat("<0x%02X>", byte)).value_or(kNone);
  }
}

absl::Status Unigram::Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const {
  static thread_local std::vector<BestPath> ends;
  static thread_local std::vector<std::pair<size_t, size_t>> cuts;  // from the last to the first
  RETURN_IF_ERROR(FindPath(word, &ends));
  bool previous_unknown = false;
  for (size_t end = word.size(); end > 0;) {
    const BestPath& best = ends[end];
    const auto begin = static_cast<size_t>(best.begin);
    const bool is_unknown = unknown_id_.has_value() && best.id == *unknown_id_;
    if (is_unknown && previous_unknown) {
      cuts.back().first = begin;  // unknown characters in a row are one token
    } else {
      cuts.emplace_back(begin, end);
    }
    previous_unknown = is_unknown;
    end = begin;
  }
  absl::Status status;
  for (auto cut = cuts.rbegin(); cut != cuts.rend() && status.ok(); ++cut) {
    status = AddToken(word, cut->first, cut->second, tokens);
  }
  ResetScratch(&ends);
  ResetScratch(&cuts);
  return status;
}

absl::Status Unigram::FindPath(absl::string_view word, std::vector<BestPath>* ends) const {
  ends->assign(word.size() + 1, BestPath());
  const auto offer = [ends](size_t begin, size_t end, int32_t id, double score) {
    BestPath& best = (*ends)[end];
    if (best.begin != kNone && score <= best.score) return;
    best = {score, static_cast<int32_t>(begin), id};
  };
  for (size_t begin = 0; begin < word.size();) {
    const double score = (*ends)[begin].score;
    size_t character_end = begin;
    NextCodePoint(word, &character_end);
    bool has_character = false;
    TokenTrie::Node node = TokenTrie::kRoot;
    for (size_t end = begin; end < word.size();) {
      node = trie_.Child(node, word[end]);
      if (node == TokenTrie::kNoNode) break;
      ++end;
      const int32_t id = trie_.Value(node);
      if (id == TokenTrie::kNoValue) continue;
      offer(begin, end, id, score + scores_[static_cast<size_t>(id)]);
      has_character |= end == character_end;
    }
    if (!has_character) {
      if (!unknown_id_.has_value()) return NoUnknownToken();
      offer(begin, character_end, *unknown_id_, score + unknown_score_);
    }
    begin = character_end;
  }
  return absl::OkStatus();
}

absl::Status Unigram::AddToken(absl::string_view word, size_t begin, size_t end,
                               std::vector<ModelToken>* tokens) const {
  if (const std::optional<int32_t> id = vocabulary_.Find(word.substr(begin, end - begin))) {
    tokens->push_back({*id, begin, end});
    return absl::OkStatus();
  }
  if (byte_fallback_ && AddBytes(word, begin, end, tokens)) return absl::OkStatus();
  if (!unknown_id_.has_value()) return NoUnknownToken();
  tokens->push_back({*unknown_id_, begin, end, /*is_verbatim=*/true});
  return absl::OkStatus();
}

bool Unigram::AddBytes(absl::string_view word, size_t begin, size_t end,
                       std::vector<ModelToken>* tokens) const {
  const auto id_of = [&](size_t i) { return byte_ids_[static_cast<unsigned char>(word[i])]; };
  for (size_t i = begin; i < end; ++i) {
    if (id_of(i) == kNone) return false;
  }
  for (size_t i = begin; i < end; ++i) tokens->push_back({id_of(i), begin, end});
  return true;
}

}  // namespace attentiond
