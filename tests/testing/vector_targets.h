// tests/testing/vector_targets.h -- a test with each set of vector instructions that this processor
// has. Depends on Highway.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hwy/targets.h"

namespace attentiond::testing {

/// Every set of instructions that the kernels are compiled for and this processor has.
inline std::vector<int64_t> VectorTargets() {
  std::vector<int64_t> targets;
  const int64_t all = hwy::SupportedTargets();
  for (int64_t target = 1; target > 0 && target <= HWY_EMU128; target <<= 1) {
    if ((all & target) != 0) targets.push_back(target);
  }
  return targets;
}

inline std::string VectorTargetName(const ::testing::TestParamInfo<int64_t>& target) {
  return hwy::TargetName(target.param);
}

/// The parameter is one of VectorTargets(), and the kernels use it.
class VectorTargetTest : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

}  // namespace attentiond::testing
