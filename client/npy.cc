#include "client/npy.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/file.h"
#include "core/base/status_macros.h"
#include "core/tensor/half.h"

namespace attentiond::client {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
// numpy.lib.format refuses longer headers too, as a guard against hostile files.
constexpr size_t kMaxHeaderBytes = 10000;
constexpr size_t kAlignment = 64;

struct TypeName {
  absl::string_view descr;
  DType dtype;
};
constexpr TypeName kTypes[] = {
    {"|b1", DType::kBool}, {"|u1", DType::kU8},  {"|i1", DType::kI8},  {"<u2", DType::kU16},
    {"<i2", DType::kI16},  {"<u4", DType::kU32}, {"<i4", DType::kI32}, {"<u8", DType::kU64},
    {"<i8", DType::kI64},  {"<f2", DType::kF16}, {"<f4", DType::kF32}, {"<f8", DType::kF64},
};

struct Header {
  std::optional<DType> dtype;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a readable .npy file: ", what));
}

// A cursor over the header's dict literal; each method consumes what it reads.
class HeaderParser {
 public:
  explicit HeaderParser(absl::string_view text) : rest_(text) {}

  absl::StatusOr<Header> Parse() {
    if (!Consume('{')) return Expected("'{'");
    Header header;
    while (!Consume('}')) {
      RETURN_IF_ERROR(ParseEntry(&header));
      if (!Consume(',') && !Peek('}')) return Expected("',' or '}'");
    }
    if (!rest_.empty() && rest_.back() == '\n') rest_.remove_suffix(1);
    if (!absl::StripLeadingAsciiWhitespace(rest_).empty()) return Expected("only spaces after '}'");
    return header;
  }

 private:
  absl::Status ParseEntry(Header* header) {
    ASSIGN_OR_RETURN(const std::string key, ParseString());
    if (!Consume(':')) return Expected("':'");
    if (key == "descr") return ParseOnce(key, &HeaderParser::ParseType, &header->dtype);
    if (key == "shape") return ParseOnce(key, &HeaderParser::ParseShape, &header->shape);
    if (key == "fortran_order") {
      return ParseOnce(key, &HeaderParser::ParseBool, &header->fortran_order);
    }
    return Broken(absl::StrCat("unknown header key '", absl::CHexEscape(key), "'"));
  }

  template <typename T>
  absl::Status ParseOnce(const std::string& key, absl::StatusOr<T> (HeaderParser::*parse)(),
                         std::optional<T>* field) {
    if (field->has_value()) return Broken(absl::StrCat("header key '", key, "' appears twice"));
    ASSIGN_OR_RETURN(*field, (this->*parse)());
    return absl::OkStatus();
  }

  absl::StatusOr<DType> ParseType() {
    if (Peek('[')) return Broken("structured types are not supported; save one plain array");
    ASSIGN_OR_RETURN(const std::string descr, ParseString());
    for (const TypeName& type : kTypes) {
      if (descr == type.descr) return type.dtype;
    }
    return Broken(absl::StrCat("type '", absl::CHexEscape(descr),
                               "' is not supported; save little-endian float32, float64, float16, "
                               "an integer type or bool"));
  }

  absl::StatusOr<bool> ParseBool() {
    SkipSpaces();
    for (const bool value : {true, false}) {
      const absl::string_view word = value ? "True" : "False";
      if (rest_.substr(0, word.size()) == word) {
        rest_.remove_prefix(word.size());
        return value;
      }
    }
    return Expected("True or False");
  }

  absl::StatusOr<Shape> ParseShape() {
    if (!Consume('(')) return Expected("'('");
    std::vector<int64_t> dims;
    while (!Consume(')')) {
      SkipSpaces();
      const size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      int64_t dim = 0;
      if (digits == 0 || !absl::SimpleAtoi(rest_.substr(0, digits), &dim)) {
        return Expected("a dimension that fits in 63 bits");
      }
      rest_.remove_prefix(digits);
      dims.push_back(dim);
      if (!Consume(',') && !Peek(')')) return Expected("',' or ')'");
    }
    absl::StatusOr<Shape> shape = Shape::Create(dims);
    if (!shape.ok()) return Broken(shape.status().message());
    return shape;
  }

  absl::StatusOr<std::string> ParseString() {
    SkipSpaces();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    if (quote != '\'' && quote != '"') return Expected("a quoted string");
    const size_t end = rest_.find(quote, 1);
    if (end == absl::string_view::npos) return Expected("a closing quote");
    std::string value(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return value;
  }

  void SkipSpaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
  }
  bool Peek(char wanted) {
    SkipSpaces();
    return !rest_.empty() && rest_[0] == wanted;
  }
  bool Consume(char wanted) {
    if (!Peek(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  absl::Status Expected(absl::string_view what) const {
    return Broken(absl::StrCat("header: expected ", what, " at \"",
                               absl::CHexEscape(rest_.substr(0, 20)), "\""));
  }

  absl::string_view rest_;
};

// Splits `bytes` into the header's text and the data.
absl::StatusOr<std::pair<absl::string_view, absl::string_view>> Split(absl::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic) return Broken("it does not start with \\x93NUMPY");
  bytes.remove_prefix(kMagic.size());
  if (bytes.size() < 2) return Broken("it ends inside the version");
  const int major = static_cast<uint8_t>(bytes[0]), minor = static_cast<uint8_t>(bytes[1]);
  if (major < 1 || major > 3 || minor != 0) {
    return Broken(absl::StrCat("version ", major, ".", minor, "; 1.0, 2.0 and 3.0 are known"));
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  bytes.remove_prefix(2);
  if (bytes.size() < length_bytes) return Broken("it ends inside the header length");
  size_t header_bytes = 0;
  for (size_t i = 0; i < length_bytes; ++i) {
    header_bytes |= static_cast<size_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(length_bytes);
  if (header_bytes > kMaxHeaderBytes) {
    return Broken(absl::StrCat("a header of ", header_bytes, " bytes; at most ", kMaxHeaderBytes,
                               " are supported"));
  }
  if (header_bytes > bytes.size()) {
    return Broken(
        absl::StrCat("a header of ", header_bytes, " bytes, but only ", bytes.size(), " follow"));
  }
  return std::make_pair(bytes.substr(0, header_bytes), bytes.substr(header_bytes));
}

absl::string_view DescrOf(DType dtype) {
  for (const TypeName& type : kTypes) {
    if (type.dtype == dtype) return type.descr;
  }
  return "<f4";  // bf16, widened
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const auto parts, Split(bytes));
  const auto& [header_text, data] = parts;
  if (header_text.empty() || header_text.back() != '\n') {
    return Broken("the header does not end with a newline");
  }
  ASSIGN_OR_RETURN(const Header header, HeaderParser(header_text).Parse());
  if (!header.dtype || !header.fortran_order || !header.shape) {
    return Broken("the header must have 'descr', 'fortran_order' and 'shape'");
  }
  if (*header.fortran_order && header.shape->rank() > 1) {
    return Broken("Fortran order; save numpy.ascontiguousarray(a)");
  }
  const TensorView expected{nullptr, *header.dtype, *header.shape};
  if (data.size() != expected.num_bytes()) {
    return Broken(absl::StrCat("shape ", expected.shape.ToString(), " of ", Name(expected.dtype),
                               " needs ", expected.num_bytes(), " bytes of data, found ",
                               data.size()));
  }
  if (expected.dtype == DType::kBool) {
    // Any other byte in a C++ bool is undefined behaviour.
    for (size_t i = 0; i < data.size(); ++i) {
      if (data[i] != 0 && data[i] != 1) return Broken("a bool that is neither 0 nor 1");
    }
  }
  Tensor tensor(expected.dtype, expected.shape);
  if (!data.empty()) std::memcpy(tensor.mutable_view().data, data.data(), data.size());
  return tensor;
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path, int64_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, max_bytes));
  absl::StatusOr<Tensor> tensor = ParseNpy(bytes);
  if (!tensor.ok()) {
    return absl::Status(tensor.status().code(),
                        absl::StrCat(path, ": ", tensor.status().message()));
  }
  return tensor;
}

std::string FormatNpyHeader(DType dtype, absl::Span<const int64_t> dims, size_t least_bytes) {
  // Python writes a tuple of one element with a comma behind it.
  std::string dict =
      absl::StrCat("{'descr': '", DescrOf(dtype), "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(dims, ", "), dims.size() == 1 ? ",), }" : "), }");
  const size_t fixed = kMagic.size() + 4;  // magic, version, length
  const size_t needed = std::max(least_bytes, fixed + dict.size() + 1);
  const size_t total = (needed + kAlignment - 1) / kAlignment * kAlignment;
  dict.append(total - fixed - dict.size() - 1, ' ');
  dict.push_back('\n');
  const char version_and_length[] = {1, 0, static_cast<char>(dict.size() & 0xff),
                                     static_cast<char>(dict.size() >> 8)};
  return absl::StrCat(kMagic, absl::string_view(version_and_length, 4), dict);
}

std::string FormatNpy(const TensorView& tensor) {
  std::string bytes = FormatNpyHeader(tensor.dtype, tensor.shape.dims());
  if (tensor.dtype == DType::kBF16) {
    const absl::Span<const BFloat16> halves = tensor.values<BFloat16>();
    for (const BFloat16 half : halves) {
      const float wide = ToFloat(half);
      bytes.append(reinterpret_cast<const char*>(&wide), sizeof(wide));
    }
  } else {
    bytes.append(static_cast<const char*>(tensor.data), tensor.num_bytes());
  }
  return bytes;
}

absl::Status WriteNpy(const std::string& path, const TensorView& tensor) {
  return WriteFile(path, FormatNpy(tensor));
}

}  // namespace attentiond::client
