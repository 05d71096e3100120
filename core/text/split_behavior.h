// core/text/split_behavior.h -- what becomes of the matches when a text is split at them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/regex.h"

namespace attentiond {

/// Source: SplitDelimiterBehavior of huggingface/tokenizers.
enum class SplitBehavior {
  kRemoved,             ///< matches are dropped
  kIsolated,            ///< each match is a word
  kMergedWithPrevious,  ///< a match ends the word before it
  kMergedWithNext,      ///< a match begins the word after it
  kContiguous,          ///< matches in a row are one word
};

/// From "Removed", "Isolated", ... ; kUnimplemented names another.
absl::StatusOr<SplitBehavior> ParseSplitBehavior(const std::string& name);

/// Appends the words that `pieces`, which cover a text that begins at byte `begin`, fall into.
/// Changes `pieces`.
void AppendWords(SplitBehavior behavior, uint32_t begin, std::vector<Piece>* pieces,
                 std::vector<WordRange>* words);

}  // namespace attentiond
