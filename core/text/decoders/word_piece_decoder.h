// core/text/decoders/word_piece_decoder.h -- joins WordPiece tokens: a space before each word, none
// before a continuation.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/decoder.h"

namespace attentiond {

/// Takes the spaces before English punctuation and contractions out of a piece.
void CleanUpTokenization(std::string* piece);

/// Source: the WordPiece decoder of huggingface/tokenizers.
class WordPieceDecoder final : public Decoder {
 public:
  WordPieceDecoder(std::string prefix, bool cleanup)
      : prefix_(std::move(prefix)), cleanup_(cleanup) {}

  /// {"prefix", "cleanup": whether no space stays before English punctuation and contractions}.
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& json);

  absl::Status Decode(std::vector<std::string>* pieces) const override;

 private:
  std::string prefix_;
  bool cleanup_;
};

}  // namespace attentiond
