#include "core/weights/safetensors.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the format's own implementation
constexpr absl::string_view kMetadata = "__metadata__";

struct FormatDType {
  absl::string_view name;
  DType dtype;
};
constexpr FormatDType kDTypes[] = {
    {"BOOL", DType::kBool}, {"U8", DType::kU8},   {"I8", DType::kI8},     {"U16", DType::kU16},
    {"I16", DType::kI16},   {"F16", DType::kF16}, {"BF16", DType::kBF16}, {"U32", DType::kU32},
    {"I32", DType::kI32},   {"F32", DType::kF32}, {"U64", DType::kU64},   {"I64", DType::kI64},
    {"F64", DType::kF64},
};

// A tensor's place in the data section, bytes [begin, end).
struct Extent {
  uint64_t begin;
  uint64_t end;
  const std::string* name;
};

absl::Status Wrong(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", Quoted(name), ": ", what));
}

absl::StatusOr<const json*> Member(const std::string& name, const json& tensor, const char* key) {
  const auto member = tensor.find(key);
  if (member == tensor.end()) return Wrong(name, absl::StrCat("has no \"", key, "\""));
  return &*member;
}

absl::StatusOr<DType> ParseDType(const std::string& name, const json& tensor) {
  ASSIGN_OR_RETURN(const json* value, Member(name, tensor, "dtype"));
  if (!value->is_string()) return Wrong(name, "\"dtype\" is not a string");
  const std::string& text = value->get_ref<const std::string&>();
  for (const FormatDType& known : kDTypes) {
    if (known.name == text) return known.dtype;
  }
  return Wrong(name, absl::StrCat("dtype ", Quoted(text), " is not supported (supported: ",
                                  absl::StrJoin(kDTypes, ", ",
                                                [](std::string* out, const FormatDType& known) {
                                                  absl::StrAppend(out, known.name);
                                                }),
                                  ")"));
}

absl::StatusOr<Shape> ParseShape(const std::string& name, const json& tensor) {
  ASSIGN_OR_RETURN(const json* value, Member(name, tensor, "shape"));
  if (!value->is_array()) return Wrong(name, "\"shape\" is not an array");
  if (value->size() > Shape::kMaxRank) {  // before anything is made of the dimensions
    return Wrong(name, absl::StrCat("the shape has ", value->size(), " dimensions, at most ",
                                    Shape::kMaxRank, " are supported"));
  }
  std::vector<int64_t> dims;
  for (const json& dim : *value) {
    if (!dim.is_number_integer()) return Wrong(name, "\"shape\" has an element that is no integer");
    if (dim.is_number_unsigned() && dim.get<uint64_t>() > uint64_t{INT64_MAX}) {
      return Wrong(name, absl::StrCat("the shape has a dimension of ", dim.get<uint64_t>(),
                                      ", which is too large"));
    }
    dims.push_back(dim.get<int64_t>());
  }
  absl::StatusOr<Shape> shape = Shape::Create(dims);
  if (!shape.ok()) return Wrong(name, shape.status().message());
  return shape;
}

absl::StatusOr<Extent> ParseExtent(const std::string& name, const json& tensor, size_t data_bytes) {
  ASSIGN_OR_RETURN(const json* value, Member(name, tensor, "data_offsets"));
  if (!value->is_array() || value->size() != 2 || !(*value)[0].is_number_unsigned() ||
      !(*value)[1].is_number_unsigned()) {
    return Wrong(name, "\"data_offsets\" is not an array of two non-negative integers");
  }
  const Extent extent{(*value)[0].get<uint64_t>(), (*value)[1].get<uint64_t>(), &name};
  if (extent.begin > extent.end) {
    return Wrong(name,
                 absl::StrCat("data_offsets [", extent.begin, ", ", extent.end, "] are reversed"));
  }
  if (extent.end > data_bytes) {
    return Wrong(name, absl::StrCat("data_offsets [", extent.begin, ", ", extent.end,
                                    "] reach past the ", data_bytes, " bytes of data"));
  }
  return extent;
}

// The extents must tile the data section: no byte in two tensors, none in no tensor.
absl::Status CheckTiling(std::vector<Extent> extents, size_t data_bytes) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin < covered) {
      return Wrong(*extent.name,
                   absl::StrCat("data_offsets [", extent.begin, ", ", extent.end,
                                "] overlap the tensor before, which ends at ", covered));
    }
    if (extent.begin > covered) {
      return Wrong(*extent.name, absl::StrCat("data_offsets [", extent.begin, ", ", extent.end,
                                              "] leave a gap after byte ", covered));
    }
    covered = extent.end;
  }
  if (covered != data_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tensors end at byte ", covered, " of ", data_bytes, " bytes of data"));
  }
  return absl::OkStatus();
}

absl::Status CheckMetadata(const json& metadata) {
  if (!metadata.is_object()) {
    return absl::InvalidArgumentError("\"__metadata__\" is not an object");
  }
  for (const json& value : metadata) {
    if (!value.is_string()) {
      return absl::InvalidArgumentError("\"__metadata__\" has a value that is no string");
    }
  }
  return absl::OkStatus();
}

uint64_t LittleEndian64(const unsigned char* bytes) {
  uint64_t value = 0;
  for (size_t i = kLengthBytes; i-- > 0;) value = (value << 8) | bytes[i];
  return value;
}

}  // namespace

absl::StatusOr<std::map<std::string, TensorView>> SafetensorsFile::ParseHeader(
    absl::string_view header, const void* data, size_t data_bytes) {
  if (header.empty() || header.front() != '{') {
    return absl::InvalidArgumentError("the header does not begin with '{'");
  }
  absl::StatusOr<json> root = ParseJson(header);
  if (!root.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the header: ", root.status().message()));
  }

  std::map<std::string, TensorView> tensors;
  std::vector<Extent> extents;
  for (const auto& [name, tensor] : root->items()) {
    if (name == kMetadata) {
      RETURN_IF_ERROR(CheckMetadata(tensor));
      continue;
    }
    if (!tensor.is_object()) return Wrong(name, "is not an object");
    ASSIGN_OR_RETURN(const DType dtype, ParseDType(name, tensor));
    ASSIGN_OR_RETURN(Shape shape, ParseShape(name, tensor));
    ASSIGN_OR_RETURN(Extent extent, ParseExtent(name, tensor, data_bytes));
    const TensorView view{static_cast<const char*>(data) + extent.begin, dtype, std::move(shape)};
    if (view.num_bytes() != extent.end - extent.begin) {
      return Wrong(name, absl::StrCat(Name(dtype), " ", view.shape.ToString(), " needs ",
                                      view.num_bytes(), " bytes, data_offsets [", extent.begin,
                                      ", ", extent.end, "] hold ", extent.end - extent.begin));
    }
    const auto placed = tensors.emplace(name, view).first;
    extent.name = &placed->first;  // outlives the loop's `name`
    extents.push_back(extent);
  }
  RETURN_IF_ERROR(CheckTiling(std::move(extents), data_bytes));
  return tensors;
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  const auto wrong = [&path](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
  };
  ASSIGN_OR_RETURN(const RegularFile regular_file, RegularFile::Open(path));
  const auto size = static_cast<size_t>(regular_file.size());
  if (size < kLengthBytes) {
    return wrong(absl::StrCat("has ", size, " bytes, too short for the 8-byte header length"));
  }

  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile);
  void* const mapping =
      ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, regular_file.fd(), /*offset=*/0);
  if (mapping == MAP_FAILED) {
    return wrong(absl::StrCat("cannot be mapped: ", std::generic_category().message(errno)));
  }
  file->path_ = path;
  file->mapping_ = mapping;
  file->mapping_bytes_ = size;
  // Everything is read once, soon, when the weights are packed. Advice only: failure changes
  // nothing.
  ::madvise(mapping, size, MADV_WILLNEED);

  const char* const bytes = static_cast<const char*>(mapping);
  const uint64_t header_bytes = LittleEndian64(static_cast<const unsigned char*>(mapping));
  if (header_bytes > kMaxHeaderBytes) {
    return wrong(absl::StrCat("the header length is ", header_bytes, " bytes, at most ",
                              kMaxHeaderBytes, " are allowed"));
  }
  if (header_bytes > size - kLengthBytes) {
    return wrong(absl::StrCat("the header length is ", header_bytes, " bytes, but only ",
                              size - kLengthBytes, " follow"));
  }
  const size_t data_begin = kLengthBytes + static_cast<size_t>(header_bytes);
  auto tensors = ParseHeader({bytes + kLengthBytes, static_cast<size_t>(header_bytes)},
                             bytes + data_begin, size - data_begin);
  if (!tensors.ok()) return wrong(tensors.status().message());
  file->tensors_ = *std::move(tensors);
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_bytes_);
}

}  // namespace attentiond
