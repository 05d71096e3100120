// core/models/weight_loader.h -- turns a checkpoint's tensors into what the ops take.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ops/largest_output.h"
#include "core/ops/linear.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// Scale and shift of a layer norm.
struct NormWeights {
  std::vector<float> gamma;
  std::vector<float> beta;
};

/// Copies tensors out of a checkpoint by name and counts what they take, so that the checkpoint's
/// mapping can be released afterwards. Every method is kInvalidArgument when a tensor is missing or
/// has another shape.
class WeightLoader {
 public:
  /// `checkpoint` is borrowed.
  explicit WeightLoader(const Checkpoint* checkpoint) : checkpoint_(*checkpoint) {}

  /// "<name>.weight" [out, in] and, if it has one, "<name>.bias" [out].
  absl::StatusOr<Linear> LoadLinear(const std::string& name, int64_t out, int64_t in,
                                    LinearTypes types, bool has_bias = true);
  /// One linear layer [2 out, in] as two: the first `out` outputs, and the others.
  absl::StatusOr<std::pair<Linear, Linear>> LoadLinearHalves(const std::string& name, int64_t out,
                                                             int64_t in, LinearTypes types,
                                                             bool has_bias);
  /// Linears that read the same input, as one: its outputs are theirs one after the other.
  absl::StatusOr<Linear> LoadFusedLinear(absl::Span<const std::string> names, int64_t out_each,
                                         int64_t in, LinearTypes types, bool has_bias = true);
  /// "<name>.weight" stored the other way, [in, out], as GPT-2's; and "<name>.bias" [out].
  absl::StatusOr<Linear> LoadTransposedLinear(const std::string& name, int64_t out, int64_t in,
                                              LinearTypes types);
  /// A linear layer of tensors that the caller has found itself. `bias` may have no data.
  absl::StatusOr<Linear> MakeLinear(const TensorView& weight, const TensorView& bias,
                                    LinearTypes types);
  /// What finds the largest output of such a layer; none where it does not help.
  absl::StatusOr<std::optional<LargestOutputSearch>> MakeSearch(const TensorView& weight,
                                                                const TensorView& bias,
                                                                const Linear& layer);
  /// "<name>.weight" and "<name>.bias", or "gamma" and "beta" as checkpoints converted from
  /// TensorFlow have them. Without a bias the shift is 0.
  absl::StatusOr<NormWeights> LoadNorm(const std::string& name, int64_t width,
                                       bool has_bias = true);
  /// "<name>.weight" [rows, width], in the type it is stored in.
  absl::StatusOr<Tensor> LoadTable(const std::string& name, int64_t rows, int64_t width);
  /// A tensor of this name and shape as floats, row-major.
  absl::StatusOr<std::vector<float>> LoadFloats(const std::string& name, const Shape& shape);

  const Checkpoint& checkpoint() const { return checkpoint_; }
  /// Bytes of everything loaded so far.
  size_t loaded_bytes() const { return loaded_bytes_; }

 private:
  const Checkpoint& checkpoint_;
  size_t loaded_bytes_ = 0;
};

}  // namespace attentiond
