// server/grpc/encoder_inputs.cc -- texts, or ids without their masked tokens.
#include "server/grpc/encoder_inputs.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

absl::Status CheckNoIds(const InputTensors& inputs) {
  for (const absl::string_view name : {"input_ids", "attention_mask", "token_type_ids"}) {
    if (inputs.Find(name) != nullptr) {
      return FieldError(absl::StrCat("inputs.", name),
                        "is given, and so is text; required is text, or input_ids with its mask "
                        "and types");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EncoderInputs> ReadTexts(const InputTensors& inputs, bool has_tokenizer) {
  RETURN_IF_ERROR(CheckNoIds(inputs));
  if (!has_tokenizer) {
    return FieldError("inputs.text", "the model has no tokenizer; input_ids is required");
  }
  const InputTensor& text = *inputs.Find("text");
  const InputTensor* const pair = inputs.Find("text_pair");
  if (pair != nullptr && !(pair->shape == text.shape)) {
    return FieldError("inputs.text_pair",
                      absl::StrCat("shape is ", pair->shape.ToString(), "; required is ",
                                   text.shape.ToString(), " as in text"));
  }
  EncoderInputs result;
  result.rows.resize(text.elements.size());
  for (size_t row = 0; row < result.rows.size(); ++row) {
    result.rows[row].text = text.elements[row];
    if (pair != nullptr) result.rows[row].text_pair = pair->elements[row];
  }
  return result;
}

absl::Status ElementError(absl::string_view name, int64_t row, int64_t column, int64_t found,
                          absl::string_view required) {
  return FieldError(
      absl::StrCat("inputs.", name),
      absl::StrCat("element [", row, ", ", column, "] is ", found, "; required is ", required));
}

/// The tensors of ids, one row at a time.
class IdReader {
 public:
  IdReader(const InputTensors& inputs, const ModelInfo& info)
      : info_(info),
        shape_(inputs.Find("input_ids")->shape),
        ids_(Values(inputs.Find("input_ids"))),
        mask_(Values(inputs.Find("attention_mask"))),
        types_(Values(inputs.Find("token_type_ids"))) {}

  absl::StatusOr<EncoderInputs> Read() const {
    EncoderInputs result;
    const auto num_rows = static_cast<size_t>(shape_.dim(0));
    result.width = shape_.dim(1);
    result.rows.resize(num_rows);
    result.kept_columns.resize(num_rows);
    for (size_t row = 0; row < num_rows; ++row) {
      RETURN_IF_ERROR(
          ReadRow(static_cast<int64_t>(row), &result.rows[row], &result.kept_columns[row]));
    }
    return result;
  }

 private:
  static absl::Span<const int64_t> Values(const InputTensor* tensor) {
    if (tensor == nullptr) return {};
    return tensor->view().values<int64_t>();
  }

  absl::StatusOr<bool> IsKept(int64_t row, int64_t column) const {
    if (mask_.empty()) return true;
    const int64_t value = mask_[static_cast<size_t>(row * shape_.dim(1) + column)];
    if (value == 0 || value == 1) return value == 1;
    return ElementError("attention_mask", row, column, value, "0 or 1");
  }

  absl::Status AppendToken(int64_t row, int64_t column, EncodeInput* input) const {
    const auto at = static_cast<size_t>(row * shape_.dim(1) + column);
    if (ids_[at] < 0 || ids_[at] >= info_.vocab_size) {
      return ElementError("input_ids", row, column, ids_[at],
                          absl::StrCat("0 to ", info_.vocab_size - 1));
    }
    if (column >= info_.max_length) {
      return FieldError("inputs.input_ids",
                        absl::StrCat("row ", row, " has a token in column ", column,
                                     "; the model takes at most ", info_.max_length, " tokens"));
    }
    input->ids.push_back(static_cast<int32_t>(ids_[at]));
    if (types_.empty()) return absl::OkStatus();
    // A model without token types takes what a tokenizer with them sends for a single text.
    const int64_t num_types = std::max<int64_t>(info_.type_vocab_size, 1);
    if (types_[at] < 0 || types_[at] >= num_types) {
      return ElementError("token_type_ids", row, column, types_[at],
                          absl::StrCat("0 to ", num_types - 1));
    }
    if (info_.type_vocab_size > 0) input->type_ids.push_back(static_cast<int32_t>(types_[at]));
    return absl::OkStatus();
  }

  absl::Status ReadRow(int64_t row, EncodeInput* input, std::vector<int32_t>* kept) const {
    bool has_gap = false;
    int32_t place = 0;
    for (int64_t column = 0; column < shape_.dim(1); ++column) {
      const bool is_padding =
          info_.padding_id == ids_[static_cast<size_t>(row * shape_.dim(1) + column)];
      // Of models that number tokens by their ids padding has no place, masked or not.
      const int32_t own_place = is_padding ? place : place++;
      ASSIGN_OR_RETURN(const bool is_kept, IsKept(row, column));
      if (!is_kept) continue;
      has_gap |= column != static_cast<int64_t>(kept->size());
      RETURN_IF_ERROR(AppendToken(row, column, input));
      kept->push_back(static_cast<int32_t>(column));
      input->positions.push_back(std::min(own_place, static_cast<int32_t>(info_.max_length - 1)));
    }
    if (input->ids.empty()) {
      return FieldError(
          "inputs.input_ids",
          absl::StrCat("row ", row, " has no token", mask_.empty() ? "" : " that the mask keeps",
                       "; at least one is required"));
    }
    if (!has_gap) {
      input->positions.clear();
      kept->clear();
    }
    return absl::OkStatus();
  }

  const ModelInfo& info_;
  const Shape shape_;
  const absl::Span<const int64_t> ids_;
  const absl::Span<const int64_t> mask_;
  const absl::Span<const int64_t> types_;
};

absl::StatusOr<EncoderInputs> ReadIds(const InputTensors& inputs, const ModelInfo& info) {
  const Shape& shape = inputs.Find("input_ids")->shape;
  for (const absl::string_view name : {"attention_mask", "token_type_ids"}) {
    const InputTensor* const tensor = inputs.Find(name);
    if (tensor != nullptr && !(tensor->shape == shape)) {
      return FieldError(absl::StrCat("inputs.", name),
                        absl::StrCat("shape is ", tensor->shape.ToString(), "; required is ",
                                     shape.ToString(), " as in input_ids"));
    }
  }
  return IdReader(inputs, info).Read();
}

}  // namespace

absl::StatusOr<EncoderInputs> ReadEncoderInputs(const InputTensors& inputs, const ModelInfo& info,
                                                bool has_tokenizer) {
  if (inputs.Find("text") != nullptr) return ReadTexts(inputs, has_tokenizer);
  if (inputs.Find("text_pair") != nullptr) {
    return FieldError("inputs.text", "is missing; it is required with text_pair");
  }
  if (inputs.Find("input_ids") != nullptr) return ReadIds(inputs, info);
  return FieldError("inputs.text", "is missing; text or input_ids is required");
}

}  // namespace attentiond
