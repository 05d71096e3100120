// core/models/label_config.cc -- id2label, num_labels and problem_type.
#include "core/models/label_config.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxLabels = 65536;

absl::StatusOr<std::vector<std::string>> LabelsFromMap(const nlohmann::json& id2label) {
  if (!id2label.is_object() || id2label.empty() || id2label.size() > kMaxLabels) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"id2label\" must be an object of 1 to ", kMaxLabels, " labels"));
  }
  const auto count = static_cast<int64_t>(id2label.size());
  std::vector<std::optional<std::string>> found(id2label.size());
  for (const auto& [key, label] : id2label.items()) {
    int64_t id = 0;
    if (!absl::SimpleAtoi(key, &id) || id < 0 || id >= count) {
      return absl::InvalidArgumentError(absl::StrCat("\"id2label\" has the key ", Quoted(key),
                                                     " among ", count, ", the ids 0 to ", count - 1,
                                                     " are required"));
    }
    if (!label.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"id2label\": label ", id, " is not a string"));
    }
    found[static_cast<size_t>(id)] = label.get<std::string>();
  }
  std::vector<std::string> labels;
  for (auto& label : found) {
    // As many keys as ids, all in range: one is missing only when another came twice ("1", "01").
    if (!label) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"id2label\" has no label ", labels.size(), " among its ", count));
    }
    labels.push_back(*std::move(label));
  }
  return labels;
}

absl::StatusOr<std::vector<std::string>> ParseLabels(const nlohmann::json& config) {
  const bool has_count = config.contains("num_labels") && !config["num_labels"].is_null();
  ASSIGN_OR_RETURN(const int64_t count, GetInt(config, "num_labels", 2));
  if (count < 1 || count > kMaxLabels) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"num_labels\" is ", count, ", 1 to ", kMaxLabels, " is required"));
  }
  const auto id2label = config.find("id2label");
  if (id2label == config.end() || id2label->is_null()) {
    std::vector<std::string> labels;
    for (int64_t id = 0; id < count; ++id) labels.push_back(absl::StrCat("LABEL_", id));
    return labels;
  }
  ASSIGN_OR_RETURN(std::vector<std::string> labels, LabelsFromMap(*id2label));
  if (has_count && count != static_cast<int64_t>(labels.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"num_labels\" is ", count, ", but \"id2label\" has ", labels.size(), " labels"));
  }
  return labels;
}

// Of classifiers with one label alone: the activation that sentence-transformers' CrossEncoder
// applies, where the checkpoint says one.
absl::StatusOr<std::string> CrossEncoderActivation(const nlohmann::json& config) {
  const auto section = config.find("sentence_transformers");
  if (section != config.end() && section->is_object()) {
    return GetString(*section, "activation_fn", "");
  }
  return GetString(config, "sbert_ce_default_activation_function", "");
}

absl::StatusOr<ScoreFunction> OfOneLabel(const nlohmann::json& config) {
  ASSIGN_OR_RETURN(const std::string name, CrossEncoderActivation(config));
  if (name.empty() || name == "torch.nn.modules.activation.Sigmoid") return ScoreFunction::kSigmoid;
  if (name == "torch.nn.modules.linear.Identity") return ScoreFunction::kIdentity;
  return absl::UnimplementedError(
      absl::StrCat("the activation ", Quoted(name),
                   " of a cross-encoder is not supported, only "
                   "torch.nn.modules.activation.Sigmoid and torch.nn.modules.linear.Identity"));
}

}  // namespace

absl::StatusOr<LabelConfig> ParseLabelConfig(const nlohmann::json& config) {
  LabelConfig result;
  ASSIGN_OR_RETURN(result.labels, ParseLabels(config));
  ASSIGN_OR_RETURN(const std::string problem, GetString(config, "problem_type", ""));
  if (!problem.empty() && problem != "single_label_classification" &&
      problem != "multi_label_classification" && problem != "regression") {
    return absl::InvalidArgumentError(
        absl::StrCat("\"problem_type\" is ", Quoted(problem),
                     ", single_label_classification, multi_label_classification or regression is "
                     "required"));
  }
  if (problem == "regression") {
    result.score_function = ScoreFunction::kIdentity;
  } else if (result.labels.size() == 1) {
    ASSIGN_OR_RETURN(result.score_function, OfOneLabel(config));
  } else if (problem == "multi_label_classification") {
    result.score_function = ScoreFunction::kSigmoid;
  }
  return result;
}

}  // namespace attentiond
