// core/engine/checked_load.h -- loading a model, and measuring what int8 does to it if it
// multiplies that.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/status_macros.h"
#include "core/engine/int8_check.h"
#include "core/models/weight_loader.h"
#include "core/ops/linear.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

template <typename M>
struct Checked {
  M model;
  std::optional<double> int8_cosine;  ///< as ModelInfo's
};

/// The model that `load(types, loader)` makes, an absl::StatusOr<M>. One in int8 is loaded in f32
/// before, by a loader of its own, for what `run(model)`, a RunCanary(), makes of the check's
/// inputs. That one's weights are gone before those in int8 are made: loading takes no more memory
/// than loading in f32 does.
///
/// Errors: those of `load`, `run` and CompareInt8().
template <typename Load, typename Run>
auto LoadChecked(LinearTypes types, const Checkpoint& checkpoint, WeightLoader* loader,
                 const Load& load, const Run& run)
    -> absl::StatusOr<
        Checked<typename std::invoke_result_t<Load, LinearTypes, WeightLoader*>::value_type>> {
  using M = typename std::invoke_result_t<Load, LinearTypes, WeightLoader*>::value_type;
  const bool in_int8 = types.weights == DType::kI8;
  CanaryOutputs expected;
  if (in_int8) {
    WeightLoader loader_in_f32(&checkpoint);
    ASSIGN_OR_RETURN(const M in_f32, load(DType::kF32, &loader_in_f32));
    ASSIGN_OR_RETURN(expected, run(in_f32));
  }
  ASSIGN_OR_RETURN(M model, load(types, loader));
  Checked<M> checked{std::move(model), std::nullopt};
  if (in_int8) {
    ASSIGN_OR_RETURN(const CanaryOutputs outputs, run(checked.model));
    ASSIGN_OR_RETURN(checked.int8_cosine, CompareInt8(outputs, expected));
  }
  return checked;
}

}  // namespace attentiond
