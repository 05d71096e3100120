#include "client/commands/json_line.h"

#include <charconv>
#include <cmath>

#include "absl/strings/str_format.h"
#include "core/tensor/element.h"

namespace attentiond::client {
namespace {

// The part of `tensor` from dimension `axis` on that begins with element *index; moves it on.
nlohmann::ordered_json NestedFrom(const TensorView& tensor, int axis, int64_t* index) {
  if (axis == tensor.shape.rank()) {
    return FewestDigits(LoadElement(tensor.data, tensor.dtype, (*index)++));
  }
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (int64_t i = 0; i < tensor.shape.dim(axis); ++i) {
    array.push_back(NestedFrom(tensor, axis + 1, index));
  }
  return array;
}

}  // namespace

std::string JsonLine(const nlohmann::ordered_json& object) {
  const std::string text = object.dump(-1, ' ', /*ensure_ascii=*/false,
                                       nlohmann::ordered_json::error_handler_t::replace);
  std::string line;
  line.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const auto next = static_cast<uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    // U+0080 to U+009F in UTF-8; both can only stand inside a string.
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      line += absl::StrFormat("\\u%04x", next);
      ++i;
    } else if (byte == 0x7f) {
      line += "\\u007f";
    } else {
      line += text[i];
    }
  }
  line += '\n';
  return line;
}

double FewestDigits(float value) {
  if (!std::isfinite(value)) return value;
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), value);
  double result = 0;
  std::from_chars(digits, written.ptr, result);
  return result;
}

nlohmann::ordered_json NestedArray(const TensorView& tensor) {
  int64_t index = 0;
  return NestedFrom(tensor, 0, &index);
}

}  // namespace attentiond::client
