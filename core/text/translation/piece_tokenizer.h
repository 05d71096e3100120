// core/text/translation/piece_tokenizer.h -- what Marian's and M2M-100's tokenizers share: pieces
// of a SentencePiece model, which a vocabulary beside it numbers in its own way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
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

  using SpecialToken = TokenizerConfig::SpecialToken;
  static constexpr SpecialToken kUnknown = {"unk_token", "<unk>", true};
  static constexpr SpecialToken kEnd = {"eos_token", "</s>", true};

  /// `directory`'s vocab.json, {token: id}, and its file `model_file`. `special_tokens` has
  /// kUnknown and kEnd. kInvalidArgument: broken, or the vocabulary lacks a token that is required.
  static absl::StatusOr<PieceTokenizer> Load(const std::string& directory, const char* model_file,
                                             const TokenizerConfig& config,
                                             absl::Span<const SpecialToken> special_tokens,
                                             Prefix prefix);

  /// Appends the ids. kInvalidArgument: not a text (text_check.h).
  absl::Status Encode(absl::string_view text, std::vector<int32_t>* ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const AddedTokens& added_tokens() const { return added_tokens_; }
  const SentencePieceFile& file() const { return *file_; }
  int32_t unknown_id() const { return unknown_id_; }
  int32_t end_id() const { return end_id_; }

 private:
  PieceTokenizer(std::unique_ptr<SentencePieceFile> file, Vocabulary vocabulary,
                 AddedTokens added_tokens, Prefix prefix)
      : file_(std::move(file)),
        vocabulary_(std::move(vocabulary)),
        added_tokens_(std::move(added_tokens)),
        prefix_(prefix) {}

  int32_t Find(absl::string_view token) const;

  std::unique_ptr<SentencePieceFile> file_;
  Vocabulary vocabulary_;
  AddedTokens added_tokens_;
  Prefix prefix_;
  int32_t unknown_id_ = 0, end_id_ = 0;
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
