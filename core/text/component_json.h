// core/text/component_json.h -- what the sections of a tokenizer.json have in common: an object
// with a "type", and Sequences of such objects.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {

/// A component's "type" in the file, and what reads the rest of its section.
template <typename Component>
struct ComponentKind {
  absl::string_view type;
  absl::StatusOr<std::unique_ptr<Component>> (*from_json)(const nlohmann::json&);
};

/// The kind of `section`, among `kinds`. kUnimplemented names the type and those there are.
template <typename Kinds>
absl::StatusOr<typename Kinds::value_type> FindKind(const Kinds& kinds, absl::string_view type) {
  for (const auto& kind : kinds) {
    if (kind.type == type) return kind;
  }
  return absl::UnimplementedError(absl::StrCat(
      "type ", Quoted(type), " is not supported (supported: ",
      absl::StrJoin(kinds, ", ",
                    [](std::string* out, const auto& kind) { absl::StrAppend(out, kind.type); }),
      ")"));
}

/// The elements of a Sequence, which `section` lists under `key`, built by `build`. A Sequence in a
/// Sequence is as deep as ParseJson lets JSON be.
template <typename Component, typename Build>
absl::StatusOr<std::vector<std::unique_ptr<Component>>> BuildSequence(const nlohmann::json& section,
                                                                      const char* key,
                                                                      Build build) {
  constexpr size_t kMaxSteps = 64;
  const auto list = section.find(key);
  if (list == section.end() || !list->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is not a list"));
  }
  if (list->size() > kMaxSteps) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", key, "\" has ", list->size(), " elements, at most ", kMaxSteps, " are allowed"));
  }
  std::vector<std::unique_ptr<Component>> steps;
  for (const nlohmann::json& element : *list) {
    if (!element.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", key, "\" has an element that is not an object"));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<Component> step, build(element));
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace attentiond
