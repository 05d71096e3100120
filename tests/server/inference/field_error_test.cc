// tests/server/inference/field_error_test.cc -- paths are kept, and grow from the inside out.
#include "server/inference/field_error.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(FieldErrorTest, KeepsThePathBesideTheMessage) {
  const absl::Status status = FieldError("inputs[3].text", "empty, required one byte");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "inputs[3].text: empty, required one byte");
  EXPECT_EQ(FieldOf(status), "inputs[3].text");
}

TEST(FieldErrorTest, OtherStatusesHaveNoField) {
  EXPECT_EQ(FieldOf(absl::OkStatus()), "");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("text: looks like one")), "");
}

TEST(InFieldTest, PutsTheParentBeforeTheField) {
  const absl::Status status = InField("inputs[3]", FieldError("text", "too long"));
  EXPECT_EQ(status.message(), "inputs[3].text: too long");
  EXPECT_EQ(FieldOf(status), "inputs[3].text");
}

TEST(InFieldTest, GivesAFieldToAnErrorWithoutOne) {
  const absl::Status status = InField("key", absl::InvalidArgumentError("is broken"));
  EXPECT_EQ(status.message(), "key: is broken");
  EXPECT_EQ(FieldOf(status), "key");
}

TEST(InFieldTest, LeavesOtherCodesAlone) {
  EXPECT_TRUE(InField("key", absl::OkStatus()).ok());
  const absl::Status full = absl::ResourceExhaustedError("the queue is full");
  EXPECT_EQ(InField("key", full), full);
}

}  // namespace
}  // namespace attentiond
