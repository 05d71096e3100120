// core/text/models/unigram.h -- the unigram language model of SentencePiece: the cut of a word into
// tokens whose scores have the largest sum.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/token_model.h"
#include "core/text/token_trie.h"

namespace attentiond {

/// Cost      linear in the word, times the length of the longest token.
/// Source    Unigram of huggingface/tokenizers, after EncodeOptimized of google/sentencepiece.
class Unigram final : public TokenModel {
 public:
  /// {"vocab": [[token, score]], "unk_id", "byte_fallback"}. kInvalidArgument: broken.
  static absl::StatusOr<std::unique_ptr<TokenModel>> FromJson(const nlohmann::json& json);

  absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  struct BestPath;

  Unigram(Vocabulary vocabulary, std::vector<double> scores, std::optional<int32_t> unknown_id,
          bool byte_fallback);

  absl::Status FindPath(absl::string_view word, std::vector<BestPath>* ends) const;
  absl::Status AddToken(absl::string_view word, size_t begin, size_t end,
                        std::vector<ModelToken>* tokens) const;
  bool AddBytes(absl::string_view word, size_t begin, size_t end,
                std::vector<ModelToken>* tokens) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;  // by id
  std::optional<int32_t> unknown_id_;
  bool byte_fallback_;
  double unknown_score_;
  std::array<int32_t, 256> byte_ids_;  // of <0xNN>; -1 for none
  TokenTrie trie_;
};

}  // namespace attentiond
