#include "core/ops/processor.h"

#include "absl/strings/str_cat.h"
#include "core/onednn/isa.h"
#include "core/tensor/dtype.h"
#include "hwy/highway.h"

namespace attentiond {

void MatchVectorIsa() {
  static const bool matched = [] {
    const onednn::IsaLevel level = onednn::EffectiveIsaLevel();
    int64_t beyond = 0;
    if (level < onednn::IsaLevel::kAvx512) beyond |= HWY_AVX3 | HWY_AVX3_DL;
    if (level < onednn::IsaLevel::kAvx2) beyond |= HWY_AVX2;
    if (beyond != 0) hwy::DisableTargets(beyond);
    return true;
  }();
  static_cast<void>(matched);
}

ProcessorInfo DescribeProcessor() {
  MatchVectorIsa();
  ProcessorInfo info;
  info.isa = onednn::IsaName();
  // The best of the instruction sets that are both compiled in and supported is the lowest bit.
  const int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  info.vector_isa = hwy::TargetName(targets & -targets);
  info.onednn_version = onednn::Version();
  info.has_bf16 = onednn::HasMicroKernels(DType::kBF16);
  info.has_int8 = onednn::HasMicroKernels(DType::kU8);
  const bool tiles = onednn::HasMatrixTiles();
  const auto describe = [&info](absl::string_view what, bool available, absl::string_view kernel) {
    info.kernels.push_back(absl::StrCat(
        what, ": ", available ? absl::StrCat(kernel, " (", info.isa, ")") : std::string("none")));
  };
  const bool has_f32 = onednn::HasMicroKernels(DType::kF32);
  describe("attention f32", has_f32, "brgemm");
  describe("attention bf16", info.has_bf16, tiles ? "amx" : "brgemm");
  describe("linear f32", has_f32, "brgemm");
  describe("linear bf16", info.has_bf16, tiles ? "amx" : "brgemm");
  describe("linear int8", info.has_int8, tiles ? "amx" : "brgemm");
  return info;
}

}  // namespace attentiond
