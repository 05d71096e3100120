// core/text/tokenizer.h -- text to token ids and back, as the checkpoint's own tokenizer files say.
//
// Public header of core/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace attentiond {

/// A tokenized text, or pair of texts. All vectors have one element per token.
struct Encoding {
  /// Bytes [begin, end) of the text that the token came from, on UTF-8 boundaries; {0, 0} for
  /// special tokens.
  struct Offset {
    int64_t begin = 0;
    int64_t end = 0;
    friend bool operator==(const Offset&, const Offset&) = default;
  };

  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<Offset> offsets;   ///< into the text, or into the pair where `sequence` is 1
  std::vector<int8_t> sequence;  ///< 0 text, 1 pair, -1 a token that the post-processor added
  int64_t truncated_tokens = 0;  ///< how many tokens truncation dropped

  int64_t size() const { return static_cast<int64_t>(ids.size()); }
};

/// Which end of a text is cut off.
enum class TruncationSide { kRight, kLeft };

struct EncodeOptions {
  bool add_special_tokens = true;
  /// The most tokens allowed, special ones included; 0: no limit.
  int64_t max_length = 0;
  /// What a longer text is: cut ("longest first" of a pair, as in transformers), or
  /// kInvalidArgument with both lengths.
  bool truncate = false;
  TruncationSide truncation_side = TruncationSide::kRight;
};

/// Threads: every method may be called concurrently.
class Tokenizer {
 public:
  /// The longest text that Encode() takes. Its memory is some 20 bytes a byte of text as long as
  /// the tokenizer's rules do not make the text longer, and 25 a token that is kept
  /// (EncodeOptions::max_length bounds those).
  static constexpr int64_t kMaxTextBytes = int64_t{16} << 20;

  virtual ~Tokenizer() = default;

  /// From `directory`: tokenizer.json, with tokenizer_config.json beside it; else vocab.txt, else
  /// vocab.json and merges.txt, else a SentencePiece model, whose tokenizer class
  /// tokenizer_config.json or, by its model's type, config.json says.
  /// kNotFound: none is there; kInvalidArgument / kUnimplemented: one line that names the file and
  /// what is wrong or not supported.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& directory);

  /// kInvalidArgument: not valid UTF-8 (names the byte), longer than kMaxTextBytes, more tokens
  /// than `max_length` and not to be truncated, a `max_length` below the special tokens alone, or a
  /// text with which the tokenizer's rules take too many steps, grow it too much, or end in a
  /// character that nothing in the vocabulary stands for.
  virtual absl::StatusOr<Encoding> Encode(absl::string_view text,
                                          std::optional<absl::string_view> pair,
                                          const EncodeOptions& options) const = 0;
  /// Ids outside the vocabulary are kInvalidArgument.
  virtual absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids,
                                             bool skip_special_tokens) const = 0;

  /// The token with this id, an added one as the normalizer writes it; empty when there is none.
  virtual absl::string_view Token(int32_t id) const = 0;
  /// One past the largest id.
  virtual int32_t vocab_size() const = 0;
  /// tokenizer_config.json's model_max_length; 0 when it says none (or an absurd number, as
  /// transformers writes).
  virtual int64_t model_max_length() const = 0;
};

}  // namespace attentiond
