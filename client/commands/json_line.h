// client/commands/json_line.h -- results as one JSON object a line, for scripts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/tensor/tensor.h"

namespace attentiond::client {

/// One line that ends in '\n'. Bytes that are not UTF-8 become U+FFFD; controls that JSON would
/// leave as they are (DEL, C1) are escaped, so that the line is harmless on a terminal too.
std::string JsonLine(const nlohmann::ordered_json& object);

/// `value` as the double with the fewest decimal digits that reads back as it: 0.1, not
/// 0.10000000149. JSON has no infinities and no NaN: nlohmann prints those as null.
double FewestDigits(float value);

/// A tensor of f32, f16 or bf16 as arrays in arrays.
nlohmann::ordered_json NestedArray(const TensorView& tensor);

}  // namespace attentiond::client
