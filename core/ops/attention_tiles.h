// core/ops/attention_tiles.h -- attention by oneDNN's micro-kernels, with all options. Private to
// core/ops.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "core/onednn/context.h"
#include "core/onednn/micro_kernel.h"
#include "core/ops/attention_blocks.h"

namespace attentiond {

class AttentionTiles final : public AttentionBlocks {
 public:
  /// Whether this processor and these head sizes have micro-kernels.
  static bool Supports(const AttentionArgs& args);
  /// bf16 where both the data and the processor have it, else f32.
  static DType ComputeType(const AttentionArgs& args);

  explicit AttentionTiles(const AttentionRows& rows);

  /// Fetches the kernels.
  absl::Status Prepare(onednn::KernelCache& cache) override;

 private:
  static constexpr size_t kNumWidths = kPanelKeys / kKeyStep;
  // The rows of a tile of scores are this far apart, not to be a power of two, which would put
  // them all into the same lines of the cache.
  static constexpr int64_t kScoreStride = kPanelKeys + 16;
  static constexpr int64_t kScoreBytes =
      kBlockRows * kScoreStride * static_cast<int64_t>(sizeof(float));
  static constexpr std::array<int64_t, 3> kRowCounts = {8, 16, kBlockRows};

  // The kernels for one number of rows and of keys.
  struct Kernels {
    std::shared_ptr<const onednn::MicroKernel> scores;       // Q K^T
    std::shared_ptr<const onednn::MicroKernel> some_scores;  // the first keys of a whole panel
    std::shared_ptr<const onednn::MicroKernel> output;       // P V
    std::shared_ptr<const onednn::MicroKernel> more_output;  // += P V
  };

  void PackKeyPanel(const PanelSource& panel) const override;
  void PackValuePanel(const PanelSource& panel) const override;
  void BeginBlock(const Block& block) const override;
  void RunPanels(absl::Span<const Block> blocks, int64_t first_panel, int64_t end_panel,
                 Worker& worker) const override;
  void FinishBlock(const Block& block) const override;

  void RunPanel(const Block& block, int64_t panel, Worker& worker) const;
  absl::Status FetchKernels(onednn::KernelCache& cache);
  absl::Status FetchKernelsOf(onednn::KernelCache& cache, int64_t rows, int64_t keys,
                              Kernels* kernels);
  // The smallest of kRowCounts that holds `rows`, as an index.
  size_t RowCountIndex(int64_t rows) const;
  const Kernels& kernels(size_t row_count, int64_t keys) const {
    return kernels_[row_count][static_cast<size_t>(keys / kKeyStep - 1)];
  }
  static SoftmaxState* State(const Block& block) {
    return reinterpret_cast<SoftmaxState*>(block.state);
  }

  std::array<std::array<Kernels, kNumWidths>, kRowCounts.size()> kernels_;
};

}  // namespace attentiond
