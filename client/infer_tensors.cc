#include "client/infer_tensors.h"

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

struct TypeName {
  DType dtype;
  const char* name;
};
constexpr TypeName kTypes[] = {
    {DType::kBool, "BOOL"},  {DType::kU8, "UINT8"},   {DType::kI8, "INT8"},
    {DType::kU16, "UINT16"}, {DType::kI16, "INT16"},  {DType::kU32, "UINT32"},
    {DType::kI32, "INT32"},  {DType::kU64, "UINT64"}, {DType::kI64, "INT64"},
    {DType::kF16, "FP16"},   {DType::kBF16, "BF16"},  {DType::kF32, "FP32"},
    {DType::kF64, "FP64"},
};

const char* KServeName(DType dtype) {
  for (const TypeName& type : kTypes) {
    if (type.dtype == dtype) return type.name;
  }
  return "";
}

// An output's description, and its bytes where it came as raw contents.
struct FoundOutput {
  const inference::ModelInferResponse::InferOutputTensor* tensor = nullptr;
  const std::string* raw = nullptr;
};

absl::StatusOr<FoundOutput> Find(const std::string& name,
                                 const inference::ModelInferResponse& response) {
  std::vector<std::string> names;
  for (int i = 0; i < response.outputs_size(); ++i) {
    const auto& output = response.outputs(i);
    if (output.name() == name) {
      const bool raw = i < response.raw_output_contents_size();
      return FoundOutput{&output, raw ? &response.raw_output_contents(i) : nullptr};
    }
    names.push_back(output.name());
  }
  return absl::NotFoundError(
      absl::StrCat("no output \"", name, "\"; there are: ", absl::StrJoin(names, ", ")));
}

absl::Status Mismatch(const std::string& name, absl::string_view found, size_t required) {
  return absl::InvalidArgumentError(
      absl::StrCat("output \"", name, "\": ", found, ", its shape and type need ", required));
}

// Copies typed contents, narrowing the 32-bit fields to 8 and 16 bits where the type says so.
template <typename To, typename From>
absl::Status CopyContents(const std::string& name,
                          const google::protobuf::RepeatedField<From>& from, Tensor* to) {
  if (from.size() != to->shape().num_elements()) {
    return Mismatch(name, absl::StrCat(from.size(), " elements"),
                    static_cast<size_t>(to->shape().num_elements()));
  }
  To* const elements = to->values<To>().data();
  for (int i = 0; i < from.size(); ++i) elements[i] = static_cast<To>(from.Get(i));
  return absl::OkStatus();
}

absl::Status CopyTyped(const std::string& name, const inference::InferTensorContents& contents,
                       Tensor* tensor) {
  switch (tensor->dtype()) {
    case DType::kBool:
      return CopyContents<bool>(name, contents.bool_contents(), tensor);
    case DType::kU8:
      return CopyContents<uint8_t>(name, contents.uint_contents(), tensor);
    case DType::kI8:
      return CopyContents<int8_t>(name, contents.int_contents(), tensor);
    case DType::kU16:
      return CopyContents<uint16_t>(name, contents.uint_contents(), tensor);
    case DType::kI16:
      return CopyContents<int16_t>(name, contents.int_contents(), tensor);
    case DType::kU32:
      return CopyContents<uint32_t>(name, contents.uint_contents(), tensor);
    case DType::kI32:
      return CopyContents<int32_t>(name, contents.int_contents(), tensor);
    case DType::kU64:
      return CopyContents<uint64_t>(name, contents.uint64_contents(), tensor);
    case DType::kI64:
      return CopyContents<int64_t>(name, contents.int64_contents(), tensor);
    case DType::kF32:
      return CopyContents<float>(name, contents.fp32_contents(), tensor);
    case DType::kF64:
      return CopyContents<double>(name, contents.fp64_contents(), tensor);
    case DType::kF16:
    case DType::kBF16:
      break;  // the protocol has no typed field for them
  }
  return Mismatch(name, "no raw contents", tensor->view().num_bytes());
}

}  // namespace

void AddInput(const std::string& name, const TensorView& tensor,
              inference::ModelInferRequest* request) {
  auto* const input = request->add_inputs();
  input->set_name(name);
  input->set_datatype(KServeName(tensor.dtype));
  for (const int64_t dim : tensor.shape.dims()) input->add_shape(dim);
  request->add_raw_input_contents(static_cast<const char*>(tensor.data), tensor.num_bytes());
}

void AddTextInput(const std::string& name, absl::Span<const std::string> texts,
                  inference::ModelInferRequest* request) {
  auto* const input = request->add_inputs();
  input->set_name(name);
  input->set_datatype("BYTES");
  input->add_shape(static_cast<int64_t>(texts.size()));
  std::string* const raw = request->add_raw_input_contents();
  for (const std::string& text : texts) {
    const auto length = static_cast<uint32_t>(text.size());
    raw->append(reinterpret_cast<const char*>(&length), sizeof(length));
    raw->append(text);
  }
}

absl::StatusOr<Tensor> GetOutput(const std::string& name,
                                 const inference::ModelInferResponse& response) {
  ASSIGN_OR_RETURN(const FoundOutput found, Find(name, response));
  std::optional<DType> dtype;
  for (const TypeName& type : kTypes) {
    if (found.tensor->datatype() == type.name) dtype = type.dtype;
  }
  if (!dtype) {
    return absl::InvalidArgumentError(absl::StrCat("output \"", name, "\" has the type ",
                                                   found.tensor->datatype(), ", not a number's"));
  }
  ASSIGN_OR_RETURN(Shape shape, Shape::Create(found.tensor->shape()));
  const TensorView expected{nullptr, *dtype, shape};
  if (found.raw != nullptr && found.raw->size() != expected.num_bytes()) {
    return Mismatch(name, absl::StrCat(found.raw->size(), " bytes"), expected.num_bytes());
  }
  // A reply cannot make the client allocate more than it carried.
  const auto claimed = static_cast<size_t>(shape.num_elements());
  if (found.raw == nullptr && claimed > found.tensor->contents().ByteSizeLong()) {
    return Mismatch(name, "too few elements", claimed);
  }
  Tensor tensor(*dtype, std::move(shape));
  if (found.raw == nullptr) {
    RETURN_IF_ERROR(CopyTyped(name, found.tensor->contents(), &tensor));
  } else if (!found.raw->empty()) {
    std::memcpy(tensor.mutable_view().data, found.raw->data(), found.raw->size());
  }
  return tensor;
}

absl::StatusOr<std::vector<std::string>> GetTextOutput(
    const std::string& name, const inference::ModelInferResponse& response) {
  ASSIGN_OR_RETURN(const FoundOutput found, Find(name, response));
  if (found.tensor->datatype() != "BYTES") {
    return absl::InvalidArgumentError(absl::StrCat("output \"", name, "\" has the type ",
                                                   found.tensor->datatype(), ", not BYTES"));
  }
  ASSIGN_OR_RETURN(const Shape shape, Shape::Create(found.tensor->shape()));
  std::vector<std::string> texts;
  if (found.raw == nullptr) {
    const auto& contents = found.tensor->contents().bytes_contents();
    texts.assign(contents.begin(), contents.end());
  } else {
    absl::string_view rest = *found.raw;
    while (!rest.empty()) {
      uint32_t length = 0;
      if (rest.size() < sizeof(length)) return Mismatch(name, "a cut length", sizeof(length));
      std::memcpy(&length, rest.data(), sizeof(length));
      rest.remove_prefix(sizeof(length));
      if (rest.size() < length) return Mismatch(name, "a cut element", length);
      texts.emplace_back(rest.substr(0, length));
      rest.remove_prefix(length);
    }
  }
  if (static_cast<int64_t>(texts.size()) != shape.num_elements()) {
    return Mismatch(name, absl::StrCat(texts.size(), " elements"),
                    static_cast<size_t>(shape.num_elements()));
  }
  return texts;
}

}  // namespace attentiond::client
