// core/text/models/word_piece.h -- the WordPiece model: the longest token of the vocabulary first,
// then the longest that continues it, until the word is used up.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/token_model.h"
#include "core/text/token_trie.h"

namespace attentiond {

/// A word that cannot be cut so, or that has too many characters, is one unknown token.
/// Cost      linear in the word, times at most the length of the longest token.
/// Source    WordPiece of huggingface/tokenizers, after WordpieceTokenizer of
///           google-research/bert.
class WordPiece final : public TokenModel {
 public:
  /// {"vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"}.
  /// kInvalidArgument: a broken vocabulary, or an unknown token that is not in it.
  static absl::StatusOr<std::unique_ptr<TokenModel>> FromJson(const nlohmann::json& json);

  absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  WordPiece(Vocabulary vocabulary, int32_t unknown_id, absl::string_view continuing_prefix,
            int64_t max_characters);

  bool IsTooLong(absl::string_view word) const;

  Vocabulary vocabulary_;
  int32_t unknown_id_;
  int64_t max_characters_;
  TokenTrie trie_;
  TokenTrie::Node continuing_;  // after the prefix ("##"): where tokens that continue a word begin
};

}  // namespace attentiond
