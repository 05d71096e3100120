// core/models/relative_bucket.h -- the distance between two tokens, in steps that grow with it.
#pragma once

#include <cstdint>

namespace attentiond {

/// How distances are put into buckets: near ones have one of their own, those farther share one in
/// logarithmic steps, and beyond `max_distance` all share the last.
/// Source: Raffel et al. 2019, arXiv:1910.10683, section 2.1.
struct RelativeBuckets {
  int64_t count = 32;
  int64_t max_distance = 128;
  bool both_sides = true;  ///< half of them for keys after the query; else those are as near as 0

  /// The bucket of a key `distance` tokens after its query, in [0, count).
  int64_t Of(int64_t distance) const;
};

}  // namespace attentiond
