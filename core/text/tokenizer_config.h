// core/text/tokenizer_config.h -- what tokenizer_config.json says, for the files that leave it to
// that: a tokenizer.json says all of it itself.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace attentiond {

/// Threads: immutable. Messages begin with the file's name.
class TokenizerConfig {
 public:
  /// A special token of a tokenizer class.
  struct SpecialToken {
    const char* key;       ///< in the file: "sep_token"
    const char* fallback;  ///< what it is when the file does not say
    bool required;         ///< whether the vocabulary must have it
    bool lstrip =
        false;  ///< whether it takes the white space before it along, unless the file says
  };

  /// `config` is the file's root, an object, and must outlive this; `model_type` that of
  /// config.json, or "".
  TokenizerConfig(const nlohmann::json& config, std::string model_type)
      : config_(config), model_type_(std::move(model_type)) {}

  /// "tokenizer_class" without "Fast", or the one that goes with the model's type; "" without both.
  absl::StatusOr<std::string> ClassName() const;
  absl::StatusOr<bool> Bool(const char* key, bool fallback) const;
  absl::StatusOr<std::string> String(const char* key, const std::string& fallback) const;
  /// "model_max_length"; 0 when the file says none, or an absurd number, as transformers writes.
  absl::StatusOr<int64_t> ModelMaxLength() const;
  nlohmann::json Field(const char* key) const { return config_.value(key, nlohmann::json()); }
  /// What a special token is written as.
  absl::StatusOr<std::string> Content(const SpecialToken& token) const;

  /// tokenizer.json's "added_tokens": those that the file lists, and of `special` those that
  /// `vocab`, {token: id}, has. kInvalidArgument: it lacks one that is required.
  absl::StatusOr<nlohmann::json> AddedTokens(absl::Span<const SpecialToken> special,
                                             const nlohmann::json& vocab) const;

 private:
  absl::StatusOr<nlohmann::json> ListedTokens() const;

  const nlohmann::json& config_;
  std::string model_type_;
};

/// The contents of `directory`'s tokenizer_config.json; an empty object without one.
absl::StatusOr<nlohmann::json> ReadTokenizerConfigFile(const std::string& directory);
/// "model_type" of `directory`'s config.json; "" when there is none, or no such file.
absl::StatusOr<std::string> ReadModelType(const std::string& directory);

/// kUnimplemented: tokenizer class `name` is none of `supported`; names the file that needs one.
absl::Status CheckTokenizerClass(const std::string& name,
                                 absl::Span<const absl::string_view> supported,
                                 absl::string_view file);

}  // namespace attentiond
