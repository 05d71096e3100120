// server/grpc/tensor_conversion.cc -- every input of a request checked against its spec.
#include "server/grpc/tensor_conversion.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "server/grpc/tensor_contents.h"
#include "server/inference/field_error.h"
#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

using inference::ModelInferRequest;
using Input = ModelInferRequest::InferInputTensor;

absl::string_view SpecName(const TensorSpec& spec) { return spec.name; }

template <typename Items, typename ToName>
std::string JoinNames(const Items& items, ToName to_name) {
  return absl::StrJoin(items, ", ", [&to_name](std::string* out, const auto& item) {
    absl::StrAppend(out, to_name(item));
  });
}

absl::StatusOr<WireType> CheckType(const Input& input, const TensorSpec& spec) {
  for (const WireType type : spec.types) {
    if (WireTypeName(type) == input.datatype()) return type;
  }
  return absl::InvalidArgumentError(absl::StrCat("datatype is ", Quoted(input.datatype()),
                                                 "; required is ",
                                                 JoinNames(spec.types, WireTypeName)));
}

absl::StatusOr<Shape> CheckShape(const Input& input, const TensorSpec& spec, int64_t max_rows) {
  ASSIGN_OR_RETURN(Shape shape, Shape::Create(input.shape()));
  bool fits = shape.dims().size() == spec.shape.size();
  for (size_t axis = 0; fits && axis < spec.shape.size(); ++axis) {
    fits = spec.shape[axis] < 0 || spec.shape[axis] == shape.dims()[axis];
  }
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("shape is ", shape.ToString(), "; required is ",
                                                   ShapeToString(spec.shape), " (-1: any length)"));
  }
  if (max_rows >= 0 && shape.dim(0) > max_rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape is ", shape.ToString(), "; at most ", max_rows, " rows are allowed"));
  }
  return shape;
}

absl::Status ReadRaw(const std::string& raw, InputTensor* tensor) {
  if (tensor->type == kBytes) {
    ASSIGN_OR_RETURN(tensor->elements, SplitRawBytes(raw, tensor->shape.num_elements()));
    return absl::OkStatus();
  }
  const size_t required = tensor->view().num_bytes();
  if (raw.size() != required) {
    return absl::InvalidArgumentError(
        absl::StrCat("raw_input_contents has ", raw.size(), " bytes; ", WireTypeName(tensor->type),
                     " ", tensor->shape.ToString(), " requires ", required));
  }
  tensor->data = raw.data();
  return absl::OkStatus();
}

absl::Status ReadTyped(const inference::InferTensorContents& contents, InputTensor* tensor) {
  const int64_t count = tensor->shape.num_elements();
  if (tensor->type == kBytes) {
    ASSIGN_OR_RETURN(tensor->elements, TypedBytes(contents, count));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(tensor->data, TypedElements(contents, *tensor->type, count));
  return absl::OkStatus();
}

absl::Status CheckNoParameters(const Input& input) {
  for (const auto& [key, value] : input.parameters()) {
    if (!absl::StartsWith(key, "triton_")) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter ", Quoted(key), " is not known; an input has none"));
    }
  }
  return absl::OkStatus();
}

// `raw`: nullptr when the request has no raw contents.
absl::StatusOr<InputTensor> ReadInput(const Input& input, const TensorSpec& spec, int64_t max_rows,
                                      const std::string* raw) {
  RETURN_IF_ERROR(CheckNoParameters(input));
  InputTensor tensor;
  ASSIGN_OR_RETURN(tensor.type, CheckType(input, spec));
  ASSIGN_OR_RETURN(tensor.shape, CheckShape(input, spec, max_rows));
  if (raw == nullptr) {
    RETURN_IF_ERROR(ReadTyped(input.contents(), &tensor));
  } else if (HasElements(input.contents())) {
    return absl::InvalidArgumentError(
        "contents is filled, and so is raw_input_contents; required is one of them");
  } else {
    RETURN_IF_ERROR(ReadRaw(*raw, &tensor));
  }
  return tensor;
}

absl::Status CheckCounts(const ModelInferRequest& request, size_t max_inputs) {
  const int inputs = request.inputs_size();
  // A duplicate is among so many; this also bounds the work on a request of nothing but names.
  if (static_cast<size_t>(inputs) > max_inputs) {
    return FieldError("inputs", absl::StrCat("the request has ", inputs, ", the model ", max_inputs,
                                             "; required is each at most once"));
  }
  const int raw = request.raw_input_contents_size();
  if (raw != 0 && raw != inputs) {
    return FieldError("raw_input_contents", absl::StrCat("has ", raw, " entries; required is one ",
                                                         "for each of the ", inputs, " inputs"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InputTensors> InputTensors::Read(const ModelInferRequest& request,
                                                const std::vector<TensorSpec>& specs,
                                                int64_t max_rows) {
  RETURN_IF_ERROR(CheckCounts(request, specs.size()));
  InputTensors result;
  for (int i = 0; i < request.inputs_size(); ++i) {
    const Input& input = request.inputs(i);
    const TensorSpec* const spec = FindSpec(specs, input.name());
    if (spec == nullptr) {
      return FieldError("inputs", absl::StrCat(Quoted(input.name()), " is not an input; required ",
                                               "is any of ", JoinNames(specs, SpecName)));
    }
    const std::string field = absl::StrCat("inputs.", spec->name);
    if (result.Find(spec->name) != nullptr) return FieldError(field, "is in the request twice");
    auto tensor = ReadInput(
        input, *spec, max_rows,
        request.raw_input_contents_size() == 0 ? nullptr : &request.raw_input_contents(i));
    if (!tensor.ok()) return InField(field, tensor.status());
    result.tensors_.push_back({spec->name, *std::move(tensor)});
  }
  for (const TensorSpec& spec : specs) {
    if (!spec.optional && result.Find(spec.name) == nullptr) {
      return FieldError(absl::StrCat("inputs.", spec.name), "is missing; it is required");
    }
  }
  return result;
}

const InputTensor* InputTensors::Find(absl::string_view name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [name](const Named& named) { return named.name == name; });
  return found == tensors_.end() ? nullptr : &found->tensor;
}

std::string ShapeToString(absl::Span<const int64_t> dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ", "), "]");
}

}  // namespace attentiond
