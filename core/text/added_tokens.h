// core/text/added_tokens.h -- tokens that are found in the text as they stand, before the model
// sees it: special tokens, and words that were added after training.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/normalizer.h"
#include "core/text/token_trie.h"
#include "core/text/vocabulary.h"

namespace attentiond {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool normalized = true;    ///< is looked for in the normalized text
  bool special = false;      ///< not part of the text itself
  /// What the normalizer makes of the content, when it is looked for in normalized text: what the
  /// token is called, and decoded to.
  std::string text;
  /// Whether decoding leaves it out on request: whether a special token has that name.
  bool skipped = false;
};

/// Threads: immutable.
/// Source: AddedVocabulary of huggingface/tokenizers.
class AddedTokens {
 public:
  /// A piece of a text: an added token, or what lies between two.
  struct Segment {
    size_t begin = 0;
    size_t end = 0;
    int32_t id = kBetween;
  };
  static constexpr int32_t kBetween = -1;

  AddedTokens() = default;
  /// tokenizer.json's "added_tokens". `normalizer` may be null. kInvalidArgument: not a list of
  /// tokens, or an id that does not agree with `vocabulary` or with another added token.
  static absl::StatusOr<AddedTokens> FromJson(const nlohmann::json& list,
                                              const Vocabulary& vocabulary,
                                              const Normalizer* normalizer);

  /// Cuts the text at the tokens that are not `normalized`.
  std::vector<Segment> SplitSource(absl::string_view text) const;
  /// Cuts normalized text at the tokens that are `normalized`.
  std::vector<Segment> SplitNormalized(absl::string_view text) const;
  bool has_normalized() const { return !normalized_.empty(); }

  /// Null when no added token has this id.
  const AddedToken* Find(int32_t id) const;
  /// One past the largest id; 0 when there are none.
  int32_t size() const { return size_; }

 private:
  // Finds the longest token at each place, from left to right.
  class Matcher {
   public:
    Matcher() = default;
    explicit Matcher(const std::vector<std::pair<absl::string_view, int32_t>>& keys);
    bool empty() const { return empty_; }
    // The next token at or after `*position`, which moves past it; kBetween at the end.
    Segment Next(absl::string_view text, size_t* position) const;

   private:
    bool empty_ = true;
    std::array<bool, 256> begins_token_ = {};  // by first byte
    TokenTrie trie_;
  };

  absl::Status Add(const nlohmann::json& entry, const Vocabulary& vocabulary);
  std::vector<Segment> Split(absl::string_view text, const Matcher& matcher) const;

  absl::flat_hash_map<int32_t, AddedToken> tokens_;
  absl::flat_hash_map<std::string, int32_t> ids_;
  int32_t size_ = 0;
  Matcher source_;
  Matcher normalized_;
};

}  // namespace attentiond
