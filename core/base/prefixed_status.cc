// core/base/prefixed_status.cc -- the place before the message.
#include "core/base/prefixed_status.h"

#include "absl/strings/str_cat.h"

namespace attentiond {

absl::Status Prefixed(absl::string_view where, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(where, ": ", status.message()));
}

}  // namespace attentiond
