// server/grpc/attention_service_conversion.h -- messages of attentiond.v1 to the server's types and
// back. Every check of a field is here or in the handler that reads it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "attentiond/v1/attention_service.pb.h"
#include "core/engine/model.h"
#include "core/tensor/tensor.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"

namespace attentiond {

/// What `tensor` holds; borrows its bytes. A FieldError() below `field`: no such type, not a shape,
/// or not as many bytes as both say.
absl::StatusOr<TensorView> ViewOf(absl::string_view field, const v1::Tensor& tensor);

/// Gives `tensor` type, shape and that many bytes, and returns where they are: 8-byte aligned, for
/// a kernel to write to.
char* Allocate(DType dtype, const Shape& shape, v1::Tensor* tensor);

v1::DataType ToProto(DType dtype);

/// The texts of a request; borrows them. FieldError("inputs", ...): none.
absl::StatusOr<std::vector<EncodeInput>> ToEncodeInputs(
    const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs);

/// FieldError("truncation_side", ...): not one of its values.
absl::StatusOr<TruncationSide> ToTruncationSide(v1::TruncationSide side);

/// An error of Inference about row 3 as one about "inputs[3].text", or "inputs[3]" where that is a
/// pair; every other status as it is.
absl::Status InInputs(const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs,
                      const absl::Status& status);

/// FieldError("top_k", ...): negative.
absl::Status CheckTopK(int32_t top_k);

/// The best `top_k` labels of one input.
void SetClassification(const ModelInfo& info, std::vector<float> logits, const Encoding& encoding,
                       int32_t top_k, v1::Classification* classification);

/// The tokens of one input.
void AddTokens(const Encoding& encoding, const v1::TextInput& input, const Tokenizer& tokenizer,
               google::protobuf::RepeatedPtrField<v1::Token>* tokens);

void SetTiming(const CallTiming& timing, v1::Timing* proto);

}  // namespace attentiond
