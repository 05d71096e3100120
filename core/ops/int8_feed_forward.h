// core/ops/int8_feed_forward.h -- feed-forward layers of 8-bit integers by groups of rows. Private
// to core/ops.
//
// A thread takes a group of rows through both layers, without waiting for others: what comes
// between them, whole rows, as they are quantised by, is still in its caches when it is used.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/ops/feed_forward.h"

namespace attentiond {

/// Whether groups can run the layers, and there are rows enough for them to be faster.
bool WantsInt8Groups(const FeedForwardArgs& args, int num_threads);

/// FeedForward() where WantsInt8Groups().
void RunInt8Groups(const FeedForwardArgs& args, ExecutionContext& context);

}  // namespace attentiond
