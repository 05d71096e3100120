// client/bench/workload.h -- what the load consists of: texts and tensors of mixed lengths.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attentiond/v1/attention_service.pb.h"

namespace attentiond::client {

/// Lengths between both ends, inclusive; 1 <= min <= max. Drawn log-uniformly: short ones are more
/// frequent, as in real traffic.
struct LengthRange {
  int64_t min = 1, max = 1;
};

/// `count` sentences of so many English words. The same seed gives the same texts everywhere.
std::vector<std::string> MixedTexts(uint64_t seed, int count, LengthRange words);

/// Shapes of a raw attention request, without its length.
struct AttentionHeads {
  int64_t heads = 8, head_dim = 64;
};

/// `count` requests [1, heads, S, head_dim], FP32, S query and key positions within `lengths`,
/// elements uniform in [-1, 1).
std::vector<v1::AttendRequest> MixedAttention(uint64_t seed, int count, LengthRange lengths,
                                              AttentionHeads heads);

}  // namespace attentiond::client
