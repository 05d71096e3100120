// core/weights/quoted.h -- strings that somebody else wrote, made fit for a one-line message.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace attentiond {

/// `text` in double quotes, control characters and quotes escaped, cut to 80 bytes.
std::string Quoted(absl::string_view text);

}  // namespace attentiond
