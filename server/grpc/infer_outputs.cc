// server/grpc/infer_outputs.cc -- output selection and response assembly.
#include "server/grpc/infer_outputs.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "server/inference/field_error.h"
#include "server/inference/wire_type.h"

namespace attentiond {

absl::StatusOr<RequestedOutputs> RequestedOutputs::Read(const inference::ModelInferRequest& request,
                                                        const std::vector<TensorSpec>& specs) {
  RequestedOutputs result;
  for (const auto& output : request.outputs()) {
    const TensorSpec* const spec = FindSpec(specs, output.name());
    if (spec == nullptr) {
      const std::string known = absl::StrJoin(
          specs, ", ", [](std::string* out, const TensorSpec& s) { absl::StrAppend(out, s.name); });
      return FieldError("outputs", absl::StrCat(Quoted(output.name()), " is not an output; ",
                                                "required is any of ", known));
    }
    const std::string field = absl::StrCat("outputs.", spec->name);
    if (result.Has(spec->name)) return FieldError(field, "is asked for twice");
    for (const auto& [key, value] : output.parameters()) {
      if (absl::StartsWith(key, "triton_")) continue;
      return FieldError(
          field, absl::StrCat("parameter ", Quoted(key), " is not known; an output has none"));
    }
    result.names_.push_back(spec->name);
  }
  if (!result.names_.empty()) return result;
  for (const TensorSpec& spec : specs) {
    if (!spec.optional) result.names_.push_back(spec.name);
  }
  return result;
}

bool RequestedOutputs::Has(absl::string_view name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

absl::Status ResponseWriter::Reserve(absl::string_view name, DType dtype,
                                     absl::Span<const int64_t> dims) {
  const std::string field = absl::StrCat("outputs.", name);
  const auto shape = Shape::Create(dims);
  if (!shape.ok()) return InField(field, shape.status());
  const auto bytes = static_cast<int64_t>(TensorView{nullptr, dtype, *shape}.num_bytes());
  if (bytes > max_bytes_ - reserved_bytes_) {
    return FieldError(field, absl::StrCat("would take ", bytes, " bytes as ", WireName(dtype), " ",
                                          shape->ToString(), "; all outputs together may take ",
                                          max_bytes_, ": ask for fewer rows or outputs"));
  }
  RETURN_IF_ERROR(ticket_->Reserve(bytes));
  reserved_bytes_ += bytes;
  return absl::OkStatus();
}

inference::ModelInferResponse::InferOutputTensor* ResponseWriter::AddHeader(
    absl::string_view name, absl::string_view type, absl::Span<const int64_t> dims) {
  auto* const output = response_->add_outputs();
  output->set_name(name.data(), name.size());
  output->set_datatype(type.data(), type.size());
  output->mutable_shape()->Add(dims.begin(), dims.end());
  return output;
}

MutableTensorView ResponseWriter::Add(absl::string_view name, DType dtype, const Shape& shape) {
  AddHeader(name, WireName(dtype), shape.dims());
  std::string* const raw = response_->add_raw_output_contents();
  raw->resize(TensorView{nullptr, dtype, shape}.num_bytes());
  return {raw->data(), dtype, shape};
}

void ResponseWriter::AddBytes(absl::string_view name, const std::vector<std::string>& elements,
                              absl::Span<const int64_t> dims) {
  AddHeader(name, "BYTES", dims);
  std::string* const raw = response_->add_raw_output_contents();
  for (const std::string& element : elements) {
    const auto length = static_cast<uint32_t>(element.size());
    char length_bytes[sizeof(length)];
    std::memcpy(length_bytes, &length, sizeof(length));  // the host is little-endian
    raw->append(length_bytes, sizeof(length_bytes)).append(element);
  }
}

}  // namespace attentiond
