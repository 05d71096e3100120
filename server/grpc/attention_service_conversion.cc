// server/grpc/attention_service_conversion.cc -- tensors, texts, tokens, labels, times.
#include "server/grpc/attention_service_conversion.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "server/inference/classification.h"
#include "server/inference/field_error.h"
#include "server/inference/token_spans.h"
#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

struct DataTypePair {
  v1::DataType proto;
  DType dtype;
};

constexpr DataTypePair kDataTypes[] = {
    {v1::DATA_TYPE_BOOL, DType::kBool}, {v1::DATA_TYPE_INT32, DType::kI32},
    {v1::DATA_TYPE_INT64, DType::kI64}, {v1::DATA_TYPE_FP16, DType::kF16},
    {v1::DATA_TYPE_BF16, DType::kBF16}, {v1::DATA_TYPE_FP32, DType::kF32},
    {v1::DATA_TYPE_INT8, DType::kI8},
};

absl::StatusOr<DType> ToDType(v1::DataType proto) {
  for (const DataTypePair& pair : kDataTypes) {
    if (pair.proto == proto) return pair.dtype;
  }
  const std::string& name = v1::DataType_Name(proto);
  return FieldError("dtype", absl::StrCat(name.empty() ? absl::StrCat(proto) : name,
                                          ", required a value of DataType other than "
                                          "DATA_TYPE_UNSPECIFIED"));
}

absl::StatusOr<TensorView> View(const v1::Tensor& tensor) {
  ASSIGN_OR_RETURN(const DType dtype, ToDType(tensor.dtype()));
  absl::StatusOr<Shape> shape =
      Shape::Create({tensor.shape().data(), static_cast<size_t>(tensor.shape_size())});
  if (!shape.ok()) return InField("shape", shape.status());
  TensorView view = {tensor.data().data(), dtype, *std::move(shape)};
  if (tensor.data().size() != view.num_bytes()) {
    return FieldError(
        "data", absl::StrCat(tensor.data().size(), " bytes, required ", view.num_bytes(), " for ",
                             WireName(dtype), " ", view.shape.ToString()));
  }
  return view;
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

absl::StatusOr<TensorView> ViewOf(absl::string_view field, const v1::Tensor& tensor) {
  absl::StatusOr<TensorView> view = View(tensor);
  if (!view.ok()) return InField(field, view.status());
  return view;
}

char* Allocate(DType dtype, const Shape& shape, v1::Tensor* tensor) {
  tensor->set_dtype(ToProto(dtype));
  tensor->mutable_shape()->Assign(shape.dims().begin(), shape.dims().end());
  tensor->mutable_data()->resize(static_cast<size_t>(shape.num_elements()) * ByteSize(dtype));
  return tensor->mutable_data()->data();
}

v1::DataType ToProto(DType dtype) {
  for (const DataTypePair& pair : kDataTypes) {
    if (pair.dtype == dtype) return pair.proto;
  }
  return v1::DATA_TYPE_UNSPECIFIED;
}

absl::StatusOr<std::vector<EncodeInput>> ToEncodeInputs(
    const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs) {
  if (inputs.empty()) return FieldError("inputs", "empty, required at least one");
  std::vector<EncodeInput> rows(static_cast<size_t>(inputs.size()));
  for (int i = 0; i < inputs.size(); ++i) {
    EncodeInput& row = rows[static_cast<size_t>(i)];
    row.text = inputs[i].text();
    if (inputs[i].has_text_pair()) row.text_pair = inputs[i].text_pair();
  }
  return rows;
}

absl::StatusOr<TruncationSide> ToTruncationSide(v1::TruncationSide side) {
  switch (side) {
    case v1::TRUNCATION_SIDE_UNSPECIFIED:
    case v1::TRUNCATION_SIDE_RIGHT:
      return TruncationSide::kRight;
    case v1::TRUNCATION_SIDE_LEFT:
      return TruncationSide::kLeft;
    default:  // proto3 enums are open: any number can come
      return FieldError("truncation_side",
                        absl::StrCat(side, ", required a value of TruncationSide"));
  }
}

absl::Status InInputs(const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs,
                      const absl::Status& status) {
  const std::string field = FieldOf(status);
  absl::string_view row = field;
  int index = 0;
  if (!absl::ConsumePrefix(&row, "row ") || !absl::SimpleAtoi(row, &index) || index < 0 ||
      index >= inputs.size()) {
    return status;
  }
  return FieldError(
      absl::StrCat("inputs[", index, "]", inputs[index].has_text_pair() ? "" : ".text"),
      status.message().substr(field.size() + 2));  // after "row 3: "
}

absl::Status CheckTopK(int32_t top_k) {
  if (top_k >= 0) return absl::OkStatus();
  return FieldError("top_k", absl::StrCat(top_k, ", required at least 0"));
}

void SetClassification(const ModelInfo& info, std::vector<float> logits, const Encoding& encoding,
                       int32_t top_k, v1::Classification* classification) {
  for (RankedLabel& ranked : RankLabels(info, LabelScores(info, std::move(logits)), top_k)) {
    v1::LabelScore* const label = classification->add_labels();
    label->set_label(std::move(ranked.label));
    label->set_score(ranked.score);
  }
  classification->set_input_tokens(encoding.size());
  classification->set_truncated_tokens(encoding.truncated_tokens);
}

void AddTokens(const Encoding& encoding, const v1::TextInput& input, const Tokenizer& tokenizer,
               google::protobuf::RepeatedPtrField<v1::Token>* tokens) {
  const std::vector<TokenSpan> spans = SpansOf(
      encoding, input.text(),
      input.has_text_pair() ? std::optional<absl::string_view>(input.text_pair()) : std::nullopt);
  tokens->Reserve(tokens->size() + static_cast<int>(spans.size()));
  for (size_t i = 0; i < spans.size(); ++i) {
    v1::Token* const token = tokens->Add();
    const absl::string_view text = tokenizer.Token(encoding.ids[i]);
    token->set_text(text.data(), text.size());
    token->set_id(encoding.ids[i]);
    token->set_type_id(encoding.type_ids[i]);
    token->set_special(encoding.sequence[i] < 0);
    if (encoding.sequence[i] < 0) continue;
    token->set_sequence(encoding.sequence[i]);
    token->set_char_begin(spans[i].char_begin);
    token->set_char_end(spans[i].char_end);
    token->set_byte_begin(encoding.offsets[i].begin);
    token->set_byte_end(encoding.offsets[i].end);
    token->set_word_index(*spans[i].word);
  }
}

void SetTiming(const CallTiming& timing, v1::Timing* proto) {
  SetDuration(timing.queue, proto->mutable_queue());
  SetDuration(timing.tokenize, proto->mutable_tokenize());
  SetDuration(timing.compute, proto->mutable_compute());
}

}  // namespace attentiond
