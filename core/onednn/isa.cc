#include "core/onednn/isa.h"

#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/onednn/micro_kernel.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond::onednn {
namespace {

constexpr int64_t kProbeSize = 32;

absl::StatusOr<MicroKernel> ProbeKernel(DType dtype) {
  MicroKernelShape shape;
  shape.rows = shape.columns = shape.depth = kProbeSize;
  shape.a_stride = shape.c_stride = kProbeSize;
  shape.dtype = dtype;
  return MicroKernel::Create(shape);
}

// The largest values of u8 and s8, where kernels that saturate at 16 bits are wrong.
bool MultipliesLargestBytes() {
  const absl::StatusOr<MicroKernel> kernel = ProbeKernel(DType::kU8);
  if (!kernel.ok()) return false;
  std::vector<uint8_t> a(kProbeSize * kProbeSize, 255);
  std::vector<int8_t> b(kProbeSize * kProbeSize);
  for (size_t i = 0; i < b.size(); ++i) b[i] = i % 8 < 4 ? int8_t{127} : int8_t{-128};
  std::vector<int32_t> c(kProbeSize * kProbeSize);
  AlignedBuffer scratch(MicroKernel::kScratchBytes);
  MatrixUnit unit;
  unit.Prepare(*kernel);
  kernel->Run(a.data(), b.data(), c.data(), scratch.data());
  for (size_t i = 0; i < c.size(); ++i) {
    // Groups of four belong to one column, so columns alternate.
    if (c[i] != int32_t{kProbeSize} * 255 * (i % 2 == 0 ? 127 : -128)) return false;
  }
  return true;
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
  static const bool has_f32 = ProbeKernel(DType::kF32).ok();
  static const bool has_bf16 = ProbeKernel(DType::kBF16).ok();
  static const bool has_u8 = MultipliesLargestBytes();
  switch (dtype) {
    case DType::kF32:
      return has_f32;
    case DType::kBF16:
      return has_bf16;
    case DType::kU8:
      return has_u8;
    default:
      return false;
  }
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
