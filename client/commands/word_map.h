// client/commands/word_map.h -- the tokens and maps of an explanation as heat maps, by token or by
// word.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "client/commands/text_source.h"
#include "client/render/heat_map.h"

namespace attentiond::client {

struct WordMapOptions {
  bool merge_words = false;   ///< one row and column for all tokens of a word
  bool hide_special = false;  ///< leave out [CLS] and its like; what is left is not rescaled
  bool rollout = false;       ///< the maps are rollouts, for their titles
};

/// One heat map for each map of the explanation, all with the same labels. Attention to a word is
/// the sum over its tokens, attention from a word the mean, so that rows still sum to 1 (Clark et
/// al. 2019, arXiv:1906.04341, section 4.1).
/// kInternal: the server's maps do not fit its tokens.
absl::StatusOr<std::vector<HeatMap>> ToHeatMaps(const v1::Explanation& explanation,
                                                const TextRow& text, const WordMapOptions& options);

}  // namespace attentiond::client
