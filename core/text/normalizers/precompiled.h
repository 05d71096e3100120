// core/text/normalizers/precompiled.h -- SentencePiece's own normalizer: a table of replacements,
// compiled into a trie.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/normalizer.h"

namespace attentiond {

/// Source: Precompiled of huggingface/tokenizers and huggingface/spm_precompiled, with its
/// peculiarity that the shortest match replaces a whole short grapheme.
class Precompiled final : public Normalizer {
 public:
  /// {"precompiled_charsmap": base64}. kInvalidArgument: not that.
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& json);

  absl::Status Normalize(AlignedText* text) const override;

 private:
  struct Change;

  Precompiled(std::vector<uint32_t> trie, std::string replacements);

  // What replaces `part`: the replacement of its shortest prefix that has one.
  std::optional<absl::string_view> Find(absl::string_view part) const;
  void Add(absl::string_view grapheme, bool* changed, std::vector<Change>* changes) const;

  std::vector<uint32_t> trie_;  // a double array of darts-clone
  std::string replacements_;    // each ends with a NUL
};

}  // namespace attentiond
