// core/text/pattern.h -- what a rule of a tokenizer looks for: a string, or a regular expression.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/regex.h"

namespace attentiond {

/// Threads: immutable.
class Pattern {
 public:
  /// {"String": text} or {"Regex": pattern}, under "pattern" of `section`.
  static absl::StatusOr<Pattern> FromJson(const nlohmann::json& section);

  /// As Regex::Find.
  absl::Status Find(absl::string_view text, std::vector<Piece>* pieces) const;

 private:
  Pattern() = default;

  std::string text_;
  std::optional<Regex> regex_;
};

}  // namespace attentiond
