// tests/testing/field_error_matcher.h -- EXPECT_THAT(status, IsFieldError("inputs.query", {"3",
// "4"})).
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "server/inference/field_error.h"

namespace attentiond::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

/// kInvalidArgument about `field`, with every one of `words` in the message.
MATCHER_P2(IsFieldError, field, words, "is an error of the field that names what it should") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status << ", field '" << FieldOf(status) << "'";
  if (!absl::IsInvalidArgument(status) || FieldOf(status) != field) return false;
  for (const std::string& word : std::vector<std::string>(words)) {
    if (!absl::StrContains(status.message(), word)) {
      *result_listener << ", without '" << word << "'";
      return false;
    }
  }
  return true;
}

using Words = std::vector<std::string>;

}  // namespace attentiond::testing
