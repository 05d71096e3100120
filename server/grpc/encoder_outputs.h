// server/grpc/encoder_outputs.h -- from the rows that a text encoder computed to output tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/engine/model.h"
#include "server/grpc/infer_outputs.h"
#include "server/inference/inference.h"

namespace attentiond {

/// The sizes that the shapes of a request's outputs are made of.
struct EncoderOutputSizes {
  int64_t rows = 0;        ///< N
  int64_t width = 0;       ///< S
  int64_t dimensions = 0;  ///< of an embedding
};

/// Where the rows came from. Borrowed.
struct EncoderOutputSources {
  absl::Span<const std::vector<int32_t>> kept_columns;  ///< as in EncoderInputs; may be empty
  absl::Span<const absl::string_view> texts;            ///< of each row, for entities
};

/// Reserves room for the named outputs, as ResponseWriter::Reserve says.
absl::Status ReserveEncoderOutputs(const ModelInfo& info,
                                   const std::vector<absl::string_view>& names,
                                   const EncoderOutputSizes& sizes, ResponseWriter* writer);

/// Adds the named outputs, whose room is reserved. What has a column per token is zero, and
/// input_ids -1, in the columns of a row that have no token.
/// kInternal: the model gave results of other sizes.
absl::Status WriteEncoderOutputs(const ModelInfo& info, const std::vector<absl::string_view>& names,
                                 const EncoderOutputSizes& sizes,
                                 const EncoderOutputSources& sources,
                                 absl::Span<const EncodedRow> rows, ResponseWriter* writer);

}  // namespace attentiond
