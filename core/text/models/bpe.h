// core/text/models/bpe.h -- byte-pair encoding: a word begins as characters, and the pair that was
// learnt first is merged again and again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/text/token_model.h"

namespace attentiond {

/// Cost      n log n in the characters of a word.
/// Source    BPE of huggingface/tokenizers.
class Bpe final : public TokenModel {
 public:
  struct Options {
    std::optional<std::string> unknown_token;
    std::string continuing_prefix;  ///< before all characters of a word but the first
    std::string end_suffix;         ///< after the last
    bool fuse_unknown = false;      ///< unknown characters in a row are one token
    bool byte_fallback = false;     ///< an unknown character becomes the tokens <0xNN> of its bytes
    bool ignore_merges = false;     ///< a word that is a token is not cut
  };

  /// {"vocab", "merges": ["a b"] or [["a", "b"]], and the options}. kInvalidArgument: broken;
  /// kUnimplemented: dropout, or byte_fallback with a prefix or suffix.
  static absl::StatusOr<std::unique_ptr<TokenModel>> FromJson(const nlohmann::json& json);

  absl::Status Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  struct Merge {
    uint32_t rank = 0;
    int32_t id = 0;
  };
  struct Symbols;

  Bpe(Vocabulary vocabulary, Options options);

  absl::Status AddMerges(const nlohmann::json& merges);
  absl::Status AddMerge(absl::string_view left, absl::string_view right, uint32_t rank);
  const Merge* FindMerge(int32_t left, int32_t right) const;

  // The token for a character, given where in the word it is.
  std::optional<int32_t> CharacterId(absl::string_view word, size_t begin, size_t end) const;
  absl::Status Begin(absl::string_view word, Symbols* symbols) const;
  bool AddBytes(absl::string_view character, Symbols* symbols) const;
  void MergeAll(Symbols* symbols) const;

  Vocabulary vocabulary_;
  Options options_;
  std::optional<int32_t> unknown_id_;
  std::array<int32_t, 0x250> short_ids_;  // by character; -1 for none
  std::array<int32_t, 256> byte_ids_;     // of <0xNN>; -1 for none
  absl::flat_hash_map<uint64_t, Merge> merges_;
};

}  // namespace attentiond
