// server/inference/wire_type.h -- how clients spell element types: "BOOL", "INT64", "FP32", "BF16".
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// The name that requests, replies and error messages use for `dtype`, as KServe v2 spells it.
absl::string_view WireName(DType dtype);

/// The type of that name; nullopt: there is none of fixed size ("BYTES" included).
std::optional<DType> DTypeFromWireName(absl::string_view name);

}  // namespace attentiond
