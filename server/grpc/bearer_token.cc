// server/grpc/bearer_token.cc -- reading and comparing tokens.
#include "server/grpc/bearer_token.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace attentiond {
namespace {

// The time depends on the length of `presented`, which its sender knows, and on nothing else.
bool EqualInConstantTime(absl::string_view presented, absl::string_view accepted) {
  unsigned difference = presented.size() == accepted.size() ? 0 : 1;
  for (size_t i = 0; i < presented.size(); ++i) {
    const char expected = accepted[i % accepted.size()];
    difference |= static_cast<unsigned char>(presented[i] ^ expected);
  }
  return difference == 0;
}

bool IsTokenCharacter(char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); }

}  // namespace

absl::StatusOr<BearerTokens> BearerTokens::FromFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("token file '", path, "' cannot be read"));
  std::vector<std::string> tokens;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const absl::string_view token = absl::StripAsciiWhitespace(line);
    if (token.empty() || token[0] == '#') continue;
    if (!std::all_of(token.begin(), token.end(), IsTokenCharacter)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "token file '", path, "' line ", number, ": a token is printable ASCII without spaces"));
    }
    tokens.emplace_back(token);
  }
  if (tokens.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("token file '", path, "' holds no token; one a line is required"));
  }
  return BearerTokens(std::move(tokens));
}

absl::Status BearerTokens::Check(absl::string_view authorization) const {
  if (!required()) return absl::OkStatus();
  if (authorization.empty()) {
    return absl::UnauthenticatedError(
        "no token; the metadata 'authorization: Bearer TOKEN' is required");
  }
  constexpr absl::string_view kScheme = "Bearer ";
  const bool has_scheme = absl::StartsWithIgnoreCase(authorization, kScheme);
  if (has_scheme) authorization.remove_prefix(kScheme.size());
  bool accepted = false;
  for (const std::string& token : tokens_) accepted |= EqualInConstantTime(authorization, token);
  if (has_scheme && accepted) return absl::OkStatus();
  return absl::UnauthenticatedError("the token in 'authorization' is not accepted");
}

}  // namespace attentiond
