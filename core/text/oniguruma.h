// core/text/oniguruma.h -- a regular expression of Oniguruma's, written for PCRE2.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// The pattern that matches with PCRE2 (UTF, UCP, MULTILINE, newline LF) what `pattern` matches
/// with Oniguruma in its own syntax: the languages are nearly the same, but \s, \w, \b, \h, (?m),
/// {,n}, {n}+, nested classes and script names differ.
///
/// Errors
///   kInvalidArgument  A class or an escape is not finished.
///   kUnimplemented    Uses what has no equivalent; the message names it.
absl::StatusOr<std::string> TranslateOniguruma(absl::string_view pattern);

}  // namespace attentiond
