// server/inference/wire_type.cc -- the table of wire names.
#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

struct WireType {
  DType dtype;
  absl::string_view name;
};

constexpr WireType kWireTypes[] = {
    {DType::kBool, "BOOL"},  {DType::kU8, "UINT8"},   {DType::kI8, "INT8"},
    {DType::kU16, "UINT16"}, {DType::kI16, "INT16"},  {DType::kU32, "UINT32"},
    {DType::kI32, "INT32"},  {DType::kU64, "UINT64"}, {DType::kI64, "INT64"},
    {DType::kF16, "FP16"},   {DType::kBF16, "BF16"},  {DType::kF32, "FP32"},
    {DType::kF64, "FP64"},
};

}  // namespace

absl::string_view WireName(DType dtype) {
  for (const WireType& type : kWireTypes) {
    if (type.dtype == dtype) return type.name;
  }
  return "UNKNOWN";
}

std::optional<DType> DTypeFromWireName(absl::string_view name) {
  for (const WireType& type : kWireTypes) {
    if (type.name == name) return type.dtype;
  }
  return std::nullopt;
}

}  // namespace attentiond
