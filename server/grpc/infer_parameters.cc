// server/grpc/infer_parameters.cc -- typed access to parameters.
#include "server/grpc/infer_parameters.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

using inference::InferParameter;

absl::string_view TypeName(const InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kBoolParam:
      return "bool_param";
    case InferParameter::kInt64Param:
      return "int64_param";
    case InferParameter::kStringParam:
      return "string_param";
    case InferParameter::kDoubleParam:
      return "double_param";
    case InferParameter::kUint64Param:
      return "uint64_param";
    case InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return "no value";
}

absl::Status WrongType(absl::string_view name, const InferParameter& parameter,
                       absl::string_view required) {
  return FieldError(absl::StrCat("parameters.", name),
                    absl::StrCat("has ", TypeName(parameter), "; required is ", required));
}

}  // namespace

const InferParameter* InferParameters::Find(absl::string_view name) {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
  const auto found = map_.find(std::string(name));
  return found == map_.end() ? nullptr : &found->second;
}

absl::Status InferParameters::Read(absl::string_view name, bool* value) {
  const InferParameter* const parameter = Find(name);
  if (parameter == nullptr) return absl::OkStatus();
  if (!parameter->has_bool_param()) return WrongType(name, *parameter, "bool_param");
  *value = parameter->bool_param();
  return absl::OkStatus();
}

absl::Status InferParameters::Read(absl::string_view name, int64_t* value) {
  const InferParameter* const parameter = Find(name);
  if (parameter == nullptr) return absl::OkStatus();
  if (parameter->has_int64_param()) {
    *value = parameter->int64_param();
    return absl::OkStatus();
  }
  if (!parameter->has_uint64_param()) return WrongType(name, *parameter, "int64_param");
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (parameter->uint64_param() > kMax) {
    return FieldError(
        absl::StrCat("parameters.", name),
        absl::StrCat("is ", parameter->uint64_param(), "; at most ", kMax, " is allowed"));
  }
  *value = static_cast<int64_t>(parameter->uint64_param());
  return absl::OkStatus();
}

absl::Status InferParameters::Read(absl::string_view name, double* value) {
  const InferParameter* const parameter = Find(name);
  if (parameter == nullptr) return absl::OkStatus();
  if (parameter->has_double_param()) {
    *value = parameter->double_param();
  } else if (parameter->has_int64_param()) {
    *value = static_cast<double>(parameter->int64_param());
  } else if (parameter->has_uint64_param()) {
    *value = static_cast<double>(parameter->uint64_param());
  } else {
    return WrongType(name, *parameter, "double_param");
  }
  return absl::OkStatus();
}

absl::Status InferParameters::Read(absl::string_view name, std::string* value) {
  const InferParameter* const parameter = Find(name);
  if (parameter == nullptr) return absl::OkStatus();
  if (!parameter->has_string_param()) return WrongType(name, *parameter, "string_param");
  *value = parameter->string_param();
  return absl::OkStatus();
}

absl::Status InferParameters::Read(absl::string_view name, TruncationSide* value) {
  std::optional<std::string> side;
  RETURN_IF_ERROR(Read(name, &side));
  if (!side.has_value()) return absl::OkStatus();
  if (side != "right" && side != "left") {
    return FieldError(absl::StrCat("parameters.", name),
                      absl::StrCat("is ", Quoted(*side), "; required is \"right\" or \"left\""));
  }
  *value = side == "left" ? TruncationSide::kLeft : TruncationSide::kRight;
  return absl::OkStatus();
}

absl::Status InferParameters::CheckAllKnown() const {
  const std::string* unknown = nullptr;
  for (const auto& [key, value] : map_) {
    if (absl::StartsWith(key, "triton_")) continue;
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    if (unknown == nullptr || key < *unknown) unknown = &key;
  }
  if (unknown == nullptr) return absl::OkStatus();
  return FieldError("parameters",
                    absl::StrCat(Quoted(*unknown), " is not known; required is any of ",
                                 absl::StrJoin(known_, ", ")));
}

}  // namespace attentiond
