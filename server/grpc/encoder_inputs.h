// server/grpc/encoder_inputs.h -- from the tensors of a request to the rows of a text encoder.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/engine/model.h"
#include "server/grpc/tensor_conversion.h"
#include "server/inference/inference.h"

namespace attentiond {

/// N rows, as texts or as token ids. Texts are views into the request.
struct EncoderInputs {
  std::vector<EncodeInput> rows;
  /// Of token ids [N, S]: S. nullopt: texts, S will be the longest row.
  std::optional<int64_t> width;
  /// Of token ids, for each row: the columns that its attention_mask keeps; empty: the first ones,
  /// as many as the row has tokens.
  std::vector<std::vector<int32_t>> kept_columns;
};

/// Takes `text` [N] and perhaps `text_pair` [N]; or `input_ids` [N, S] and perhaps `attention_mask`
/// and `token_type_ids` [N, S]. Masked tokens are left out, the others keep their positions (of
/// models with a padding id the number of other ids before them): the result is that of a model
/// that computes the padded row. kInvalidArgument, a FieldError() of "inputs.NAME": not one of the
/// two sets, rows that differ in number, a row without tokens or too long, an id, a type or a mask
/// value out of range.
absl::StatusOr<EncoderInputs> ReadEncoderInputs(const InputTensors& inputs, const ModelInfo& info,
                                                bool has_tokenizer);

}  // namespace attentiond
