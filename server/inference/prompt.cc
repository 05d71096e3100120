// server/inference/prompt.cc -- looks a prompt up by its name.
#include "server/inference/prompt.h"

#include "absl/strings/str_cat.h"
#include "core/weights/quoted.h"
#include "server/inference/field_error.h"

namespace attentiond {

absl::StatusOr<std::string> PromptOf(const ModelInfo& info, absl::string_view field,
                                     const std::optional<std::string>& name) {
  const std::string wanted = name.value_or(info.default_prompt);
  if (wanted.empty()) return std::string();
  const auto found = info.prompts.find(wanted);
  if (found != info.prompts.end()) return found->second;
  std::string known;
  for (const auto& [key, text] : info.prompts) absl::StrAppend(&known, ", ", Quoted(key));
  return FieldError(
      field,
      absl::StrCat(Quoted(wanted), ", required the name of a prompt of the model: \"\"", known));
}

}  // namespace attentiond
