// tests/testing/infer_request.h -- builds ModelInferRequests and reads responses, in tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "inference/grpc_service.pb.h"

namespace attentiond::testing {

using Shape64 = std::vector<int64_t>;

/// Adds an input without elements.
inline inference::ModelInferRequest::InferInputTensor* AddInput(
    inference::ModelInferRequest* request, const std::string& name, const std::string& datatype,
    const Shape64& shape) {
  auto* const input = request->add_inputs();
  input->set_name(name);
  input->set_datatype(datatype);
  input->mutable_shape()->Add(shape.begin(), shape.end());
  return input;
}

/// Adds an input whose elements are the next entry of raw_input_contents.
template <typename T>
void AddRaw(inference::ModelInferRequest* request, const std::string& name,
            const std::string& datatype, const Shape64& shape, const std::vector<T>& values) {
  AddInput(request, name, datatype, shape);
  request->add_raw_input_contents(values.data(), values.size() * sizeof(T));
}

/// The raw form of BYTES elements.
inline std::string RawBytes(const std::vector<std::string>& elements) {
  std::string raw;
  for (const std::string& element : elements) {
    const auto length = static_cast<uint32_t>(element.size());
    raw.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(element);
  }
  return raw;
}

/// Adds a BYTES input [N] as the next entry of raw_input_contents.
inline void AddRawText(inference::ModelInferRequest* request, const std::string& name,
                       const std::vector<std::string>& elements) {
  AddInput(request, name, "BYTES", {static_cast<int64_t>(elements.size())});
  request->add_raw_input_contents(RawBytes(elements));
}

inline void AddTypedFloats(inference::ModelInferRequest* request, const std::string& name,
                           const Shape64& shape, const std::vector<float>& values) {
  AddInput(request, name, "FP32", shape)
      ->mutable_contents()
      ->mutable_fp32_contents()
      ->Add(values.begin(), values.end());
}

inline void WantOutputs(inference::ModelInferRequest* request,
                        const std::vector<std::string>& names) {
  for (const std::string& name : names) request->add_outputs()->set_name(name);
}

/// The raw contents of an output as elements; empty when there is no such output.
template <typename T>
std::vector<T> OutputValues(const inference::ModelInferResponse& response, absl::string_view name) {
  for (int i = 0; i < response.outputs_size(); ++i) {
    if (response.outputs(i).name() != name) continue;
    const std::string& raw = response.raw_output_contents(i);
    std::vector<T> values(raw.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), raw.data(), values.size() * sizeof(T));
    return values;
  }
  return {};
}

/// The elements of a BYTES output.
inline std::vector<std::string> OutputText(const inference::ModelInferResponse& response,
                                           absl::string_view name) {
  const std::vector<char> raw = OutputValues<char>(response, name);
  std::vector<std::string> elements;
  for (size_t at = 0; at + sizeof(uint32_t) <= raw.size();) {
    uint32_t length = 0;
    std::memcpy(&length, raw.data() + at, sizeof(length));
    elements.emplace_back(raw.data() + at + sizeof(length), length);
    at += sizeof(length) + length;
  }
  return elements;
}

inline Shape64 OutputShape(const inference::ModelInferResponse& response, absl::string_view name) {
  for (const auto& output : response.outputs()) {
    if (output.name() == name) return {output.shape().begin(), output.shape().end()};
  }
  return {};
}

inline std::vector<std::string> OutputNames(const inference::ModelInferResponse& response) {
  std::vector<std::string> names;
  for (const auto& output : response.outputs()) names.push_back(output.name());
  return names;
}

}  // namespace attentiond::testing
