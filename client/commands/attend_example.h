// client/commands/attend_example.h -- three words with numbers small enough to follow by hand.
#pragma once

#include "client/commands/attend_inputs.h"
#include "client/commands/session.h"

namespace attentiond::client {

/// Sends the example, prints queries, keys, values, weights and output, and compares with the
/// formula. kDataLoss: they disagree.
absl::Status RunAttendExample(Session* session, const Console& console);

}  // namespace attentiond::client
