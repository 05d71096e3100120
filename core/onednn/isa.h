// core/onednn/isa.h -- what oneDNN found in this processor.
#pragma once

#include <cstdint>
#include <string>

#include "core/tensor/dtype.h"

namespace attentiond::onednn {

/// The instruction set that oneDNN uses, as it spells it: "avx2", "avx512_core_amx". The
/// environment variable ONEDNN_MAX_CPU_ISA lowers it.
const char* IsaName();

/// Width of vectors among the instructions that oneDNN uses, each with those before it.
enum class IsaLevel : uint8_t { kSse, kAvx2, kAvx512 };
IsaLevel EffectiveIsaLevel();

/// Whether micro-kernels multiply `dtype` (kF32, kBF16 or kU8, as MicroKernelShape has it) on this
/// processor. Asks oneDNN once per type, and tries integers out: a wrong kernel gives no error.
bool HasMicroKernels(DType dtype);

/// Whether the processor has a matrix unit (AMX) that multiplies bf16, which this process may use.
bool HasMatrixTiles();

/// oneDNN's version: "3.7.2".
std::string Version();

}  // namespace attentiond::onednn
