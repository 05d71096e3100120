// server/inference/field_error.cc -- field errors as statuses with a payload.
#include "server/inference/field_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

constexpr absl::string_view kFieldPayload = "attentiond/field";

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view problem) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
  status.SetPayload(kFieldPayload, absl::Cord(field));
  return status;
}

std::string FieldOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kFieldPayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status InField(absl::string_view parent, const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return status;
  const std::string field = FieldOf(status);
  if (field.empty()) return FieldError(parent, status.message());
  // The message begins with the field and ": ".
  return FieldError(absl::StrCat(parent, ".", field), status.message().substr(field.size() + 2));
}

}  // namespace attentiond
