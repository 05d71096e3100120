#include "core/text/split_behavior.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// Joins each piece with the one before it where `joins(is_match, previous_is_match)`.
template <typename Joins>
void Join(Joins joins, std::vector<Piece>* pieces) {
  size_t size = 0;
  bool previous = false;
  for (const Piece& piece : *pieces) {
    if (size > 0 && joins(piece.is_match, previous)) {
      Piece& last = (*pieces)[size - 1];
      last.begin = std::min(last.begin, piece.begin);
      last.end = std::max(last.end, piece.end);
    } else {
      (*pieces)[size++] = piece;
    }
    previous = piece.is_match;
  }
  pieces->resize(size);
}

}  // namespace

absl::StatusOr<SplitBehavior> ParseSplitBehavior(const std::string& name) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return absl::UnimplementedError(absl::StrCat(
      "\"behavior\" ", Quoted(name),
      " is not supported (supported: Removed, Isolated, MergedWithPrevious, MergedWithNext, "
      "Contiguous)"));
}

void AppendWords(SplitBehavior behavior, uint32_t begin, std::vector<Piece>* pieces,
                 std::vector<WordRange>* words) {
  const auto first_of_matches = [](bool is_match, bool previous) { return is_match && !previous; };
  switch (behavior) {
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      break;
    case SplitBehavior::kMergedWithPrevious:
      Join(first_of_matches, pieces);
      break;
    case SplitBehavior::kMergedWithNext:
      std::reverse(pieces->begin(), pieces->end());
      Join(first_of_matches, pieces);
      std::reverse(pieces->begin(), pieces->end());
      break;
    case SplitBehavior::kContiguous:
      Join([](bool is_match, bool previous) { return is_match == previous; }, pieces);
      break;
  }
  for (const Piece& piece : *pieces) {
    if (piece.begin == piece.end) continue;
    if (behavior == SplitBehavior::kRemoved && piece.is_match) continue;
    words->push_back({begin + piece.begin, begin + piece.end});
  }
}

}  // namespace attentiond
