// core/text/normalizers/bert_normalizer.h -- BERT's normalizer: drops control characters, sets
// Chinese characters apart, strips accents, lower-cases.
#pragma once

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/normalizer.h"

namespace attentiond {

/// Source: BertNormalizer of huggingface/tokenizers, after BasicTokenizer of
/// google-research/bert.
class BertNormalizer final : public Normalizer {
 public:
  struct Options {
    bool clean_text = true;            ///< drop control characters, make every white space ' '
    bool handle_chinese_chars = true;  ///< put spaces around CJK ideographs
    bool strip_accents = true;         ///< decompose (NFD) and drop nonspacing marks
    bool lowercase = true;
  };
  explicit BertNormalizer(const Options& options);

  /// {"clean_text", "handle_chinese_chars", "strip_accents": null means as "lowercase",
  /// "lowercase"}.
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);

  absl::Status Normalize(AlignedText* text) const override;

 private:
  class Rewriter;

  Options options_;
  std::array<char, 128>
      ascii_;  // what becomes of a character; 0: not a character for one character
};

}  // namespace attentiond
