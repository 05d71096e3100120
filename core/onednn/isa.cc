#include "core/onednn/isa.h"

#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "core/onednn/micro_kernel.h"

namespace attentiond::onednn {
namespace {

bool Probe(DType dtype) {
  MicroKernelShape shape;
  shape.rows = shape.columns = shape.depth = 32;
  shape.a_stride = shape.c_stride = 32;
  shape.dtype = dtype;
  return MicroKernel::Create(shape).ok();
}

}  // namespace

const char* IsaName() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::isa_default:
      return "default";
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx2_vnni_2:
      return "avx2_vnni_2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_fp16:
      return "avx512_core_fp16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    case dnnl::cpu_isa::avx512_core_amx_fp16:
      return "avx512_core_amx_fp16";
  }
  return "unknown";
}

IsaLevel EffectiveIsaLevel() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto includes = [isa](dnnl::cpu_isa level) {
    return (isa & static_cast<unsigned>(level)) == static_cast<unsigned>(level);
  };
  if (includes(dnnl::cpu_isa::avx512_core)) return IsaLevel::kAvx512;
  return includes(dnnl::cpu_isa::avx2) ? IsaLevel::kAvx2 : IsaLevel::kSse;
}

bool HasMicroKernels(DType dtype) {
  static const bool has_f32 = Probe(DType::kF32);
  static const bool has_bf16 = Probe(DType::kBF16);
  return dtype == DType::kBF16 ? has_bf16 : dtype == DType::kF32 && has_f32;
}

bool HasMatrixTiles() {
  // Asking for it makes oneDNN ask the operating system for the permission.
  static const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto amx = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
  return (isa & amx) == amx;
}

std::string Version() {
  const dnnl_version_t* const version = dnnl::version();
  return absl::StrCat(version->major, ".", version->minor, ".", version->patch);
}

}  // namespace attentiond::onednn
