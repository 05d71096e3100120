#include "core/text/models/sentence_piece_file.h"

#include <sentencepiece_processor.h>

#include <utility>

namespace attentiond {

SentencePieceFile::SentencePieceFile(
    std::unique_ptr<sentencepiece::SentencePieceProcessor> processor)
    : processor_(std::move(processor)) {}

SentencePieceFile::~SentencePieceFile() = default;

std::unique_ptr<SentencePieceFile> SentencePieceFile::Parse(std::string_view bytes) {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (!processor->LoadFromSerializedProto(bytes).ok() || processor->GetPieceSize() <= 0) {
    return nullptr;
  }
  return std::unique_ptr<SentencePieceFile>(new SentencePieceFile(std::move(processor)));
}

std::vector<std::string> SentencePieceFile::Pieces() const {
  std::vector<std::string> pieces;
  for (int id = 0; id < processor_->GetPieceSize(); ++id) {
    pieces.push_back(processor_->IdToPiece(id));
  }
  return pieces;
}

bool SentencePieceFile::Encode(std::string_view text, std::vector<Piece>* pieces) const {
  sentencepiece::ImmutableSentencePieceText result;
  if (!processor_->Encode(text, result.mutable_proto()).ok()) return false;
  for (size_t i = 0; i < result.pieces_size(); ++i) {
    const auto piece = result.pieces(static_cast<int>(i));
    pieces->push_back({piece.id(), piece.begin(), piece.end()});
  }
  return true;
}

bool SentencePieceFile::EncodeAsPieces(std::string_view text,
                                       std::vector<std::string>* pieces) const {
  return processor_->Encode(text, pieces).ok();
}

bool SentencePieceFile::DecodePieces(const std::vector<std::string>& pieces,
                                     std::string* text) const {
  std::string decoded;
  if (!processor_->Decode(pieces, &decoded).ok()) return false;
  text->append(decoded);
  return true;
}

}  // namespace attentiond
