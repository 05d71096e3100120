// tests/testing/expect_near.h -- arrays equal within a bound, with the worst element in the
// message.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "absl/types/span.h"

namespace attentiond::testing {

/// Every |actual - expected| <= tolerance; a NaN is never near.
inline void ExpectNear(absl::Span<const float> actual, absl::Span<const float> expected,
                       float tolerance, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  size_t worst = 0;
  float worst_error = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const float error = std::abs(actual[i] - expected[i]);
    if (error <= worst_error) continue;  // written so that NaN becomes the worst, and stays it
    worst = i;
    worst_error = error;
    if (std::isnan(error)) break;
  }
  EXPECT_LE(worst_error, tolerance) << what << ": worst at " << worst << " of " << actual.size()
                                    << ": " << actual[worst] << ", expected " << expected[worst];
}

}  // namespace attentiond::testing
