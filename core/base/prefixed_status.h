// core/base/prefixed_status.h -- errors that say where they come from.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// The error of what `where` names (a file, a flag, a part of either): "where: message", of the
/// same code, without payloads.
absl::Status Prefixed(absl::string_view where, const absl::Status& status);

}  // namespace attentiond
