// core/text/regex.h -- regular expressions as tokenizers write them, which is for Oniguruma,
// matched by PCRE2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct pcre2_real_code_8;

namespace attentiond {

/// Bytes [begin, end) of a text, and whether they are a match or lie between two.
struct Piece {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool is_match = false;
  friend bool operator==(const Piece&, const Piece&) = default;
};

/// Threads: immutable. docs/adr/0010-tokenizers.md says how the two languages differ and
/// what is done about it.
class Regex {
 public:
  /// kInvalidArgument: not a regular expression; kUnimplemented: uses what is not supported. The
  /// message names the pattern and what is wrong.
  static absl::StatusOr<Regex> Compile(absl::string_view pattern);

  /// Cuts well-formed `text` into its matches, from left to right without overlap, and what lies
  /// between. kInvalidArgument: the pattern takes too many steps on this text.
  absl::Status Find(absl::string_view text, std::vector<Piece>* pieces) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, FreeCode>;

  Regex(std::string pattern, Code code) : pattern_(std::move(pattern)), code_(std::move(code)) {}

  std::string pattern_;
  Code code_;
};

}  // namespace attentiond
