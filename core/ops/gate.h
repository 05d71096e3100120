// core/ops/gate.h -- the product of two projections, as gated feed-forward layers take it.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// x[r,:] *= gate[r,:], in f32.
struct GateArgs {
  void* x = nullptr;           ///< [rows, width] of `dtype`
  const void* gate = nullptr;  ///< the same
  int64_t stride = 0;          ///< of both, from a row to the next, in elements
  DType dtype = DType::kF32;   ///< kF32 or kBF16
  int64_t rows = 0, width = 0;
};
/// Source: Dauphin et al. 2016, arXiv:1612.08083. Threads: context's.
void Gate(const GateArgs& args, ExecutionContext& context);

}  // namespace attentiond
