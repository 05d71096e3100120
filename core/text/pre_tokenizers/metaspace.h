// core/text/pre_tokenizers/metaspace.h -- SentencePiece's words: spaces become a visible character,
// which begins each word.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/text/pre_tokenizer.h"

namespace attentiond {

/// What a Metaspace, pre-tokenizer or decoder, is told.
struct MetaspaceOptions {
  enum class Prepend { kFirst, kNever, kAlways };

  std::string replacement;  ///< one character
  Prepend prepend = Prepend::kAlways;
  bool split = true;

  /// {"replacement", "prepend_scheme", "split"}, or the older "add_prefix_space".
  static absl::StatusOr<MetaspaceOptions> FromJson(const nlohmann::json& json);
};

/// Source: Metaspace of huggingface/tokenizers.
class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(MetaspaceOptions options) : options_(std::move(options)) {}
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& json);
  absl::Status PreTokenize(PreTokenizedText* text) const override;

 private:
  void AppendWord(const PreTokenizedText& text, const WordRange& range, AlignedText* out) const;
  void Split(absl::string_view text, const WordRange& range, std::vector<WordRange>* words) const;

  MetaspaceOptions options_;
};

}  // namespace attentiond
