// server/grpc/model_signature.h -- which tensors a model takes and gives over KServe v2: the one
// table behind metadata, configuration, validation and output selection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "core/engine/model.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// Element type of a tensor on the wire; nullopt: BYTES.
using WireType = std::optional<DType>;
inline constexpr WireType kBytes = std::nullopt;
/// "FP32", "BYTES", ...
absl::string_view WireTypeName(WireType type);

struct TensorSpec {
  absl::string_view name;
  absl::InlinedVector<WireType, 3> types;  ///< accepted; the first is what metadata says
  std::vector<int64_t> shape;              ///< batch dimension included; -1: any length
  /// Inputs: a request may leave it out. Outputs: only given when asked for.
  bool optional = false;
};

struct ModelSignature {
  std::string platform;  ///< "attentiond_embedding"
  bool has_rows = true;  ///< the first dimension of every tensor is the request's rows
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;  ///< the default ones first
};

/// `info`: nullptr for the built-in model "attention".
ModelSignature SignatureOf(const ModelInfo* info);

/// The spec of that name; nullptr: there is none.
const TensorSpec* FindSpec(const std::vector<TensorSpec>& specs, absl::string_view name);

}  // namespace attentiond
