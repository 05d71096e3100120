// core/text/translation/piece_tokenizer.h -- what Marian's and M2M-100's tokenizers share: pieces
// of a SentencePiece model, which a vocabulary beside it numbers in its own way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/text/added_tokens.h"
#include "core/text/models/sentence_piece_file.h"
#include "core/text/tokenizer_config.h"
#include "core/text/vocabulary.h"

namespace attentiond {

/// Text to ids: added tokens as they stand, and between them the pieces of the model, by name: what
/// the model calls unknown may have an id all the same. Threads: immutable.
/// Source: PreTrainedTokenizer, MarianTokenizer, M2M100Tokenizer of huggingface/transformers.
class PieceTokenizer {
 public:
  /// A token of the target language that stands before the text itself: ">>fr<<".
  enum class Prefix : uint8_t { kNone, kCode };

  /// `vocab` {token: id}; `added_tokens` as in tokenizer.json. kInvalidArgument: broken, or without
  /// `unknown_token`.
  static absl::StatusOr<PieceTokenizer> Create(std::unique_ptr<SentencePieceFile> file,
                                               const nlohmann::json& vocab,
                                               nlohmann::json added_tokens,
                                               const std::string& unknown_token, Prefix prefix);

  /// Appends the ids. kInvalidArgument: not a text (text_check.h).
  absl::Status Encode(absl::string_view text, std::vector<int32_t>* ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const AddedTokens& added_tokens() const { return added_tokens_; }
  const SentencePieceFile& file() const { return *file_; }
  int32_t unknown_id() const { return unknown_id_; }

 private:
  PieceTokenizer(std::unique_ptr<SentencePieceFile> file, Vocabulary vocabulary,
                 AddedTokens added_tokens, int32_t unknown_id, Prefix prefix);

  int32_t Find(absl::string_view token) const;

  std::unique_ptr<SentencePieceFile> file_;
  Vocabulary vocabulary_;
  AddedTokens added_tokens_;
  int32_t unknown_id_;
  Prefix prefix_;
};

/// The text of `tokens`, as `file` joins pieces; special ones, which it does not see, stay as they
/// stand, followed by `after_special`.
struct DecodedToken {
  absl::string_view text;
  bool special = false;
};
absl::StatusOr<std::string> JoinPieces(const SentencePieceFile& file,
                                       absl::Span<const DecodedToken> tokens,
                                       absl::string_view after_special);

/// Without white space at its ends.
absl::string_view StripWhiteSpace(absl::string_view text);

/// `path` parsed. kInvalidArgument: not a SentencePiece model.
absl::StatusOr<std::unique_ptr<SentencePieceFile>> LoadSentencePieceFile(const std::string& path);

}  // namespace attentiond
