#include "core/text/models/word_piece.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<TokenModel>> WordPiece::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string unknown, GetString(json, "unk_token", "[UNK]"));
  ASSIGN_OR_RETURN(const std::string prefix, GetString(json, "continuing_subword_prefix", "##"));
  ASSIGN_OR_RETURN(const int64_t max_characters, GetInt(json, "max_input_chars_per_word", 100));
  if (max_characters < 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"max_input_chars_per_word\" is ",
                                                   max_characters, ", at least 0 is required"));
  }
  const auto vocab = json.find("vocab");
  if (vocab == json.end()) return absl::InvalidArgumentError("has no \"vocab\"");
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromJson(*vocab));
  const std::optional<int32_t> unknown_id = vocabulary.Find(unknown);
  if (!unknown_id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"unk_token\" is ", Quoted(unknown), ", which is not in \"vocab\""));
  }
  return std::unique_ptr<TokenModel>(
      new WordPiece(std::move(vocabulary), *unknown_id, prefix, max_characters));
}

WordPiece::WordPiece(Vocabulary vocabulary, int32_t unknown_id, absl::string_view continuing_prefix,
                     int64_t max_characters)
    : vocabulary_(std::move(vocabulary)),
      unknown_id_(unknown_id),
      max_characters_(max_characters),
      trie_(vocabulary_.Entries()),
      continuing_(trie_.Walk(continuing_prefix)) {}

absl::Status WordPiece::Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const {
  const size_t num_before = tokens->size();
  size_t begin = 0;
  if (!IsTooLong(word)) {
    TokenTrie::Node start = TokenTrie::kRoot;
    while (begin < word.size() && start != TokenTrie::kNoNode) {
      const TokenTrie::Match match = trie_.LongestPrefix(word.substr(begin), start);
      if (match.length == 0) break;
      tokens->push_back({match.value, begin, begin + match.length});
      begin += match.length;
      start = continuing_;
    }
  }
  if (begin < word.size()) {
    tokens->resize(num_before);
    tokens->push_back({unknown_id_, 0, word.size()});
  }
  return absl::OkStatus();
}

bool WordPiece::IsTooLong(absl::string_view word) const {
  if (static_cast<int64_t>(word.size()) <= max_characters_) return false;
  // Characters are what is not a continuation byte.
  return std::count_if(word.begin(), word.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
         }) > max_characters_;
}

}  // namespace attentiond
