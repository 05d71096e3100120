// core/text/pre_tokenizers/byte_level.h -- GPT-2's words, written byte by byte in ByteAlphabet.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/regex.h"

namespace attentiond {

/// Source: ByteLevel of huggingface/tokenizers, after openai/gpt-2.
class ByteLevelPreTokenizer final : public PreTokenizer {
 public:
  /// {"add_prefix_space", "use_regex"}.
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& json);
  absl::Status PreTokenize(PreTokenizedText* text) const override;

 private:
  ByteLevelPreTokenizer(bool add_prefix_space, std::optional<Regex> words)
      : add_prefix_space_(add_prefix_space), words_(std::move(words)) {}

  bool add_prefix_space_;
  std::optional<Regex> words_;  // without: each word stays whole
};

}  // namespace attentiond
