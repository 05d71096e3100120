// core/text/models/sentence_piece.h -- the token model of a SentencePiece file.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/text/models/sentence_piece_file.h"
#include "core/text/token_model.h"

namespace attentiond {

/// What it takes for a word is a text as it is: the file says how to normalize it.
class SentencePieceModel final : public TokenModel {
 public:
  /// `ids` are the ids in `vocabulary` of the file's pieces, in order.
  SentencePieceModel(std::unique_ptr<SentencePieceFile> file, Vocabulary vocabulary,
                     std::vector<int32_t> ids)
      : file_(std::move(file)), vocabulary_(std::move(vocabulary)), ids_(std::move(ids)) {}

  absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  std::unique_ptr<SentencePieceFile> file_;
  Vocabulary vocabulary_;
  std::vector<int32_t> ids_;
};

}  // namespace attentiond
