// tests/testing/golden_model.h -- a checkpoint of tests/golden with what PyTorch computed from it.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/weights/json_file.h"
#include "core/weights/safetensors.h"

namespace attentiond::testing {

class GoldenModel {
 public:
  explicit GoldenModel(const std::string& name)
      : directory_(ATTENTIOND_SOURCE_DIR "/tests/golden/" + name) {
    auto description = ReadJsonFile(directory_ + "/cases.json");
    auto expected = SafetensorsFile::Open(directory_ + "/expected.safetensors");
    EXPECT_TRUE(description.ok()) << description.status();
    EXPECT_TRUE(expected.ok()) << expected.status();
    description_ = *std::move(description);
    expected_ = *std::move(expected);
  }

  const std::string& directory() const { return directory_; }
  /// All of cases.json.
  const nlohmann::json& description() const { return description_; }
  const nlohmann::json& cases() const { return description_.at("cases"); }
  float tolerance() const { return description_.at("tolerance").get<float>(); }
  bool has(const nlohmann::json& golden_case, const std::string& what) const {
    return expected_->tensors().contains(NameOf(golden_case, what));
  }
  /// The tensor "<case>.<what>"; empty when there is none, which fails the test.
  TensorView tensor(const nlohmann::json& golden_case, const std::string& what) const {
    const auto found = expected_->tensors().find(NameOf(golden_case, what));
    EXPECT_NE(found, expected_->tensors().end()) << NameOf(golden_case, what);
    return found == expected_->tensors().end() ? TensorView{nullptr, DType::kF32, {0}}
                                               : found->second;
  }
  /// The f32 tensor "<case>.<what>".
  absl::Span<const float> array(const nlohmann::json& golden_case, const std::string& what) const {
    return tensor(golden_case, what).values<float>();
  }

 private:
  static std::string NameOf(const nlohmann::json& golden_case, const std::string& what) {
    return golden_case.at("name").get<std::string>() + "." + what;
  }

  std::string directory_;
  nlohmann::json description_;
  std::unique_ptr<SafetensorsFile> expected_;
};

}  // namespace attentiond::testing
