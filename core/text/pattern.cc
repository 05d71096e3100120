#include "core/text/pattern.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {

absl::StatusOr<Pattern> Pattern::FromJson(const nlohmann::json& section) {
  const auto pattern = section.find("pattern");
  const bool is_pattern = pattern != section.end() && pattern->is_object() &&
                          pattern->size() == 1 && pattern->begin()->is_string() &&
                          (pattern->contains("String") || pattern->contains("Regex"));
  if (!is_pattern) {
    return absl::InvalidArgumentError("\"pattern\" is not {\"String\": ...} or {\"Regex\": ...}");
  }
  Pattern result;
  result.text_ = pattern->begin()->get<std::string>();
  constexpr size_t kMaxBytes = 4096;
  if (result.text_.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("\"pattern\" has ", result.text_.size(),
                                                   " bytes, at most ", kMaxBytes, " are allowed"));
  }
  // The empty string is found between all characters, as the empty expression is.
  if (pattern->contains("Regex") || result.text_.empty()) {
    ASSIGN_OR_RETURN(Regex regex, Regex::Compile(result.text_));
    result.regex_ = std::move(regex);
  }
  return result;
}

absl::Status Pattern::Find(absl::string_view text, std::vector<Piece>* pieces) const {
  if (regex_.has_value()) return regex_->Find(text, pieces);
  size_t done = 0;
  for (;;) {
    const size_t begin = text.find(text_, done);
    if (begin == absl::string_view::npos) break;
    if (done < begin) {
      pieces->push_back({static_cast<uint32_t>(done), static_cast<uint32_t>(begin), false});
    }
    done = begin + text_.size();
    pieces->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(done), true});
  }
  if (done < text.size()) {
    pieces->push_back({static_cast<uint32_t>(done), static_cast<uint32_t>(text.size()), false});
  }
  return absl::OkStatus();
}

}  // namespace attentiond
