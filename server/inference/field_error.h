// server/inference/field_error.h -- errors about one field of a request.
//
// Carries the field's path beside the message, so that the transport can put it into its error
// details without parsing text.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// kInvalidArgument with the message "<field>: <problem>" and the path kept in a payload. `field`
/// is as the client spells it ("inputs[3].text"); `problem` says what was found and what is
/// required.
absl::Status FieldError(absl::string_view field, absl::string_view problem);

/// The path that FieldError() was given; empty for every other status.
std::string FieldOf(const absl::Status& status);

/// `status` as an error of the element or sub-message `parent`: the field "text" becomes
/// "inputs[3].text". A status without a field gets `parent` as its field; OK stays OK. Codes other
/// than kInvalidArgument are kept as they are.
absl::Status InField(absl::string_view parent, const absl::Status& status);

}  // namespace attentiond
