// core/models/bucket_bias.cc -- buckets of distances.
#include "core/models/bucket_bias.h"

#include "core/models/float_conversion.h"
#include "core/models/relative_bucket.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

constexpr RelativeBuckets kOfDistance{.count = BucketBias::kBuckets, .max_distance = 128};

}  // namespace

BucketBias::BucketBias(const TensorView& table)
    : num_heads_(table.shape.dim(1)), table_(static_cast<size_t>(kBuckets * num_heads_)) {
  ToFloats(table, 0, absl::MakeSpan(table_));
}

float BucketBias::Value(int64_t head, int64_t distance) const {
  return table_[static_cast<size_t>(kOfDistance.Of(distance) * num_heads_ + head)];
}

absl::Status BucketBias::AddTo(const AttendedRows& rows, AttentionArgs* args,
                               ExecutionContext& context) const {
  const int64_t longest = rows.longest;
  const auto floats = [&](int64_t count) {
    return static_cast<float*>(context.workspace().Get(Workspace::Slot::kPositionScores,
                                                       static_cast<size_t>(count) * sizeof(float)));
  };
  if (rows.places.empty()) {
    const int64_t distances = 2 * longest - 1;
    float* const values = floats(num_heads_ * distances);
    for (int64_t at = 0; at < distances; ++at) {
      const float* const row =
          &table_[static_cast<size_t>(kOfDistance.Of(at - longest + 1) * num_heads_)];
      for (int64_t head = 0; head < num_heads_; ++head) values[head * distances + at] = row[head];
    }
    args->bias = BiasByDistance(values, longest - 1, distances, /*by_head=*/true);
    return absl::OkStatus();
  }
  float* const values = floats(num_heads_ * rows.queries * longest);
  float* value = values;
  for (int64_t head = 0; head < num_heads_; ++head) {
    for (int64_t i = 0; i < rows.queries; ++i) {
      for (int64_t j = 0; j < longest; ++j) {
        *value++ = Value(head, int64_t{rows.places[static_cast<size_t>(j)]} -
                                   rows.places[static_cast<size_t>(i)]);
      }
    }
  }
  args->bias = {.data = values,
                .batch_stride = 0,
                .head_stride = rows.queries * longest,
                .query_stride = longest,
                .key_stride = 1};
  return absl::OkStatus();
}

}  // namespace attentiond
