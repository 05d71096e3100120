// core/models/attention_window.cc -- a bias of minus infinity beyond the window.
#include "core/models/attention_window.h"

#include <cmath>
#include <limits>

#include "core/ops/workspace.h"

namespace attentiond {
namespace {

float BiasAt(int64_t distance, int64_t window) {
  return std::abs(distance) <= window ? 0.0f : -std::numeric_limits<float>::infinity();
}

}  // namespace

absl::Status AttentionWindow::AddTo(const AttendedRows& rows, AttentionArgs* args,
                                    ExecutionContext& context) const {
  const int64_t window = windows_[static_cast<size_t>(rows.layer)];
  const int64_t longest = rows.longest;
  if (window == 0) return absl::OkStatus();
  const auto floats = [&](int64_t count) {
    return static_cast<float*>(context.workspace().Get(Workspace::Slot::kPositionScores,
                                                       static_cast<size_t>(count) * sizeof(float)));
  };
  if (rows.places.empty()) {
    // Also when it hides nothing: a row's kernel must not depend on how long its neighbours are.
    const int64_t queries = rows.queries == 0 ? longest : rows.queries;
    const int64_t distances = queries + longest - 1, origin = queries - 1;
    float* const values = floats(distances);
    for (int64_t at = 0; at < distances; ++at) {
      values[at] = BiasAt(at - origin - rows.first_query, window);
    }
    args->bias = BiasByDistance(values, origin, distances, /*by_head=*/false);
    return absl::OkStatus();
  }
  float* const values = floats(rows.queries * longest);
  for (int64_t i = 0; i < rows.queries; ++i) {
    for (int64_t j = 0; j < longest; ++j) {
      values[i * longest + j] =
          BiasAt(int64_t{rows.places[static_cast<size_t>(j)]} - rows.places[static_cast<size_t>(i)],
                 window);
    }
  }
  args->bias = {.data = values,
                .batch_stride = 0,
                .head_stride = 0,
                .query_stride = longest,
                .key_stride = 1};
  return absl::OkStatus();
}

}  // namespace attentiond
