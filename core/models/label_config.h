// core/models/label_config.h -- the labels of a classifier, as config.json tells them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/score_function.h"

namespace attentiond {

struct LabelConfig {
  std::vector<std::string> labels;  ///< by id, at least one
  ScoreFunction score_function = ScoreFunction::kSoftmax;
};

/// Reads id2label, num_labels and problem_type, and decides as transformers' pipeline does. A model
/// with one label scores by the logistic function, unless it is a regression or a cross-encoder
/// that says otherwise. Without id2label the labels are LABEL_0, LABEL_1...
/// (num_labels of them, else two). kInvalidArgument names the key, what was found and what is
/// required.
absl::StatusOr<LabelConfig> ParseLabelConfig(const nlohmann::json& config);

}  // namespace attentiond
