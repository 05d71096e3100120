// tests/testing/golden_generators.h -- which checkpoints of tests/golden write text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace attentiond::testing {

inline std::vector<std::string> GoldenTranslators() {
  return {"marian-translate",  "t5-translate",     "flan-t5-translate",
          "bart-translate",    "bart-small",       "mbart-translate",
          "mbart50-translate", "m2m100-translate", "nllb-translate"};
}

inline std::vector<std::string> GoldenCaptioners() {
  return {"vit-gpt2-caption", "blip-caption", "blip-small"};
}

/// What gtest may call a test of a folder: "marian_translate".
inline std::string NameOfFolder(const ::testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace attentiond::testing
