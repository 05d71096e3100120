#include "core/models/relative_bucket.h"

#include <algorithm>
#include <cmath>

namespace attentiond {

int64_t RelativeBuckets::Of(int64_t distance) const {
  const int64_t each = both_sides ? count / 2 : count;
  const int64_t exact = each / 2;
  const int64_t side = both_sides && distance > 0 ? each : 0;
  const int64_t far = both_sides ? std::abs(distance) : std::max<int64_t>(-distance, 0);
  if (far < exact) return side + far;
  // In f32 and in this order: at powers of two the result lies between two buckets.
  const float steps =
      std::log(static_cast<float>(far) / static_cast<float>(exact)) /
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact))) *
      static_cast<float>(each - exact);
  return side + std::min(exact + static_cast<int64_t>(steps), each - 1);
}

}  // namespace attentiond
