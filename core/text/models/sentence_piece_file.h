// core/text/models/sentence_piece_file.h -- a SentencePiece model, run by SentencePiece itself.
//
// Without Abseil: the library's header puts a string_view into Abseil's namespace, which on Debian
// 12 has one already.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace attentiond {

/// A loaded .model or .spm file. Threads: immutable.
class SentencePieceFile {
 public:
  /// A piece by its id in the file, and the bytes [begin, end) of the text that it stands for.
  struct Piece {
    uint32_t id = 0;
    size_t begin = 0;
    size_t end = 0;
  };

  /// Null when `bytes` is not such a file.
  static std::unique_ptr<SentencePieceFile> Parse(std::string_view bytes);
  ~SentencePieceFile();

  /// All pieces, in order of their ids.
  std::vector<std::string> Pieces() const;
  /// The pieces of a text, which the library normalizes as the file says; false when it cannot.
  bool Encode(std::string_view text, std::vector<Piece>* pieces) const;
  /// The same by name; what the file has no piece for is its own name.
  bool EncodeAsPieces(std::string_view text, std::vector<std::string>* pieces) const;
  /// Appends the text of `pieces`, of which the file need not have all; false when it cannot.
  bool DecodePieces(const std::vector<std::string>& pieces, std::string* text) const;

 private:
  explicit SentencePieceFile(std::unique_ptr<sentencepiece::SentencePieceProcessor> processor);

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
};

}  // namespace attentiond
