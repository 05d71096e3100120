#include "core/text/models/sentence_piece.h"

#include <algorithm>

#include "core/text/unicode.h"

namespace attentiond {

absl::Status SentencePieceModel::Tokenize(absl::string_view word,
                                          std::vector<ModelToken>* tokens) const {
  std::vector<SentencePieceFile::Piece> pieces;
  if (!file_->Encode({word.data(), word.size()}, &pieces)) {
    return absl::InvalidArgumentError("the SentencePiece model does not take this text");
  }
  for (const SentencePieceFile::Piece& piece : pieces) {
    // The bytes of an unknown character may have places inside it, or none.
    size_t begin = std::min(piece.begin, word.size());
    size_t end = std::min(std::max(piece.begin, piece.end), word.size());
    while (begin > 0 && begin < word.size() && IsContinuationByte(word[begin])) --begin;
    while (end < word.size() && IsContinuationByte(word[end])) ++end;
    tokens->push_back({ids_[piece.id], begin, end});
  }
  return absl::OkStatus();
}

}  // namespace attentiond
