// core/text/translation_tokenizer.h -- the two sides of a model that reads a text and writes
// another: the source's tokens, what the target begins with, and the target's text.
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
#include "core/text/tokenizer.h"

namespace attentiond {

/// From and into which language, by the checkpoint's names for them ("en", "en_XX", "eng_Latn");
/// "": what the checkpoint's files say.
struct TranslationLanguages {
  std::string source;
  std::string target;
};

/// The tokens of a source text, those around it included.
struct SourceTokens {
  std::vector<int32_t> ids;
  int64_t truncated_tokens = 0;  ///< how many tokens truncation dropped
};

/// Marian, M2M-100, NLLB, mBART and mBART-50 in their own ways; every other checkpoint as
/// Tokenizer reads it, without languages. Threads: every method may be called concurrently.
class TranslationTokenizer {
 public:
  virtual ~TranslationTokenizer() = default;

  /// From `directory`: source.spm, target.spm and vocab.json (Marian), vocab.json and
  /// sentencepiece.bpe.model (M2M-100), or what Tokenizer::Load reads. Errors as there.
  static absl::StatusOr<std::unique_ptr<TranslationTokenizer>> Load(const std::string& directory);

  /// kInvalidArgument: as Tokenizer::Encode, or a language that the checkpoint does not have (says
  /// which it has).
  virtual absl::StatusOr<SourceTokens> EncodeSource(absl::string_view text,
                                                    const TranslationLanguages& languages,
                                                    const EncodeOptions& options) const = 0;
  /// The token that says into which language to write, for models that write it first; nothing for
  /// the others, and when neither `languages` nor the checkpoint says which. kInvalidArgument as
  /// above.
  virtual absl::StatusOr<std::optional<int32_t>> FirstTargetToken(
      const TranslationLanguages& languages) const = 0;
  /// Ids outside the vocabulary are kInvalidArgument.
  virtual absl::StatusOr<std::string> DecodeTarget(absl::Span<const int32_t> ids,
                                                   bool skip_special_tokens) const = 0;

  /// What can be asked for; empty: nothing but "".
  virtual std::vector<std::string> source_languages() const = 0;
  virtual std::vector<std::string> target_languages() const = 0;

  /// The target token with this id; empty when there is none.
  virtual absl::string_view TargetToken(int32_t id) const = 0;
  /// One past the largest id.
  virtual int32_t vocab_size() const = 0;
  /// As Tokenizer::model_max_length().
  virtual int64_t model_max_length() const = 0;
};

}  // namespace attentiond
