// server/grpc/tensor_contents.cc -- raw and typed contents, every length checked before it is used.
#include "server/grpc/tensor_contents.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

enum Field { kBool, kInt, kInt64, kUint, kUint64, kFp32, kFp64, kByteStrings, kNumFields };

constexpr std::array<absl::string_view, kNumFields> kFieldNames = {
    "bool_contents",   "int_contents",  "int64_contents", "uint_contents",
    "uint64_contents", "fp32_contents", "fp64_contents",  "bytes_contents"};

std::array<int, kNumFields> FieldSizes(const inference::InferTensorContents& contents) {
  return {contents.bool_contents_size(),   contents.int_contents_size(),
          contents.int64_contents_size(),  contents.uint_contents_size(),
          contents.uint64_contents_size(), contents.fp32_contents_size(),
          contents.fp64_contents_size(),   contents.bytes_contents_size()};
}

// Exactly `count` elements in `field`, none elsewhere.
absl::Status CheckFilled(const inference::InferTensorContents& contents, Field field,
                         absl::string_view type, int64_t count) {
  const std::array<int, kNumFields> sizes = FieldSizes(contents);
  for (size_t other = 0; other < sizes.size(); ++other) {
    if (other != field && sizes[other] != 0) {
      return absl::InvalidArgumentError(absl::StrCat("contents has ", sizes[other], " elements in ",
                                                     kFieldNames[other], "; datatype ", type,
                                                     " requires ", kFieldNames[field]));
    }
  }
  if (sizes[field] != count) {
    return absl::InvalidArgumentError(absl::StrCat("contents has ", sizes[field], " elements in ",
                                                   kFieldNames[field], "; the shape requires ",
                                                   count));
  }
  return absl::OkStatus();
}

uint32_t LoadLittleEndian32(const char* bytes) {
  static_assert(std::endian::native == std::endian::little, "tensors are taken over as they come");
  uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

template <typename Repeated>
absl::StatusOr<const void*> Checked(const inference::InferTensorContents& contents, Field field,
                                    DType dtype, int64_t count, const Repeated& elements) {
  RETURN_IF_ERROR(CheckFilled(contents, field, WireName(dtype), count));
  return elements.data();
}

}  // namespace

absl::StatusOr<std::vector<absl::string_view>> SplitRawBytes(absl::string_view raw, int64_t count) {
  constexpr size_t kLengthBytes = 4;
  const size_t total = raw.size();
  // Before anything is allocated: every element takes at least its length.
  if (static_cast<uint64_t>(count) > total / kLengthBytes) {
    return absl::InvalidArgumentError(absl::StrCat("raw_input_contents has ", total, " bytes; ",
                                                   count, " BYTES elements require at least ",
                                                   kLengthBytes, " each"));
  }
  std::vector<absl::string_view> elements;
  elements.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (raw.size() < kLengthBytes) {
      return absl::InvalidArgumentError(absl::StrCat("raw_input_contents ends in the length of ",
                                                     "BYTES element ", i, ", after ", total,
                                                     " bytes"));
    }
    const uint32_t length = LoadLittleEndian32(raw.data());
    if (length > raw.size() - kLengthBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("raw_input_contents ends inside BYTES element ", i, ": its length is ",
                       length, ", ", raw.size() - kLengthBytes, " bytes are left of ", total));
    }
    elements.push_back(raw.substr(kLengthBytes, length));
    raw.remove_prefix(kLengthBytes + length);
  }
  if (!raw.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("raw_input_contents has ", raw.size(),
                                                   " bytes after the ", count,
                                                   " BYTES elements that the shape requires"));
  }
  return elements;
}

absl::StatusOr<const void*> TypedElements(const inference::InferTensorContents& contents,
                                          DType dtype, int64_t count) {
  switch (dtype) {
    case DType::kBool:
      return Checked(contents, kBool, dtype, count, contents.bool_contents());
    case DType::kI32:
      return Checked(contents, kInt, dtype, count, contents.int_contents());
    case DType::kI64:
      return Checked(contents, kInt64, dtype, count, contents.int64_contents());
    case DType::kF32:
      return Checked(contents, kFp32, dtype, count, contents.fp32_contents());
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("datatype ", WireName(dtype), " requires raw_input_contents"));
  }
}

absl::StatusOr<std::vector<absl::string_view>> TypedBytes(
    const inference::InferTensorContents& contents, int64_t count) {
  RETURN_IF_ERROR(CheckFilled(contents, kByteStrings, "BYTES", count));
  return std::vector<absl::string_view>(contents.bytes_contents().begin(),
                                        contents.bytes_contents().end());
}

bool HasElements(const inference::InferTensorContents& contents) {
  for (const int size : FieldSizes(contents)) {
    if (size != 0) return true;
  }
  return false;
}

}  // namespace attentiond
