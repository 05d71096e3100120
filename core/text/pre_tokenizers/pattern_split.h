// core/text/pre_tokenizers/pattern_split.h -- Split: splits at the matches of a pattern.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "core/text/pattern.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/split_behavior.h"

namespace attentiond {

/// Source: Split of huggingface/tokenizers.
class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(Pattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  /// {"pattern", "behavior", "invert": what lies between the matches counts as matches}.
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& json);
  absl::Status PreTokenize(PreTokenizedText* text) const override;

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace attentiond
