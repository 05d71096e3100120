#include "core/ops/largest_output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/status_macros.h"
#include "core/ops/int8_rows.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/linear_kernels.h"
#include "core/ops/logits.h"
#include "core/ops/packed_matrix.h"
#include "core/ops/row_kernels.h"
#include "core/ops/workspace.h"
#include "core/reference/quantized_linear.h"
#include "core/tensor/half.h"

namespace attentiond {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// A smaller layer is in the second-level caches already.
constexpr int64_t kLeastWeights = 2 << 20;
// So many are worth a thread: chunks of rough outputs to read, rows to choose blocks for, blocks to
// compute.
constexpr int64_t kGrainChunks = 8, kGrainRows = 4, kGrainBlocks = 4;
// For the rounding of the norms, and of what they are of: a number that is halfway between two
// integers may have become either.
constexpr float kSlack = 1.01f;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Euclidean norms of a row x and of x', its integers times their scale.
struct Norms {
  float residual = 0;                                  // |x - x'|
  float quantized = 0;                                 // |x'|
  float Full() const { return residual + quantized; }  // at least |x|
};

Norms NormsOf(const float* x, int64_t size) {
  // So many sums at once for the compiler to keep in vectors.
  constexpr int64_t kLanes = 16;
  // Added to a float of less than 2^22, and subtracted, it leaves that rounded to nearest even.
  constexpr float kRounder = 0x1.8p23f;
  float largest = 0;
  for (int64_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(x[i]));
  const float scale = largest < reference::kSmallestQuantized ? 0 : largest / 127;
  const float inverse = scale > 0 ? 127 / largest : 0;
  std::array<float, kLanes> residuals{}, squares{};
  const auto add = [&](int64_t i, size_t lane) {
    const float rounded = scale * ((x[i] * inverse + kRounder) - kRounder);
    const float residual = x[i] - rounded;
    residuals[lane] += residual * residual;
    squares[lane] += rounded * rounded;
  };
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) add(i + static_cast<int64_t>(lane), lane);
  }
  for (; i < size; ++i) add(i, 0);
  const auto root = [](const auto& lanes) {
    return std::sqrt(std::accumulate(lanes.begin(), lanes.end(), 0.0f));
  };
  return {root(residuals), root(squares)};
}

// Of a block of outputs of one row.
struct BlockResult {
  float largest = 0;   // roughly; then, if it was computed, really
  float sum = 0;       // of exp(rough - the chunk's largest); then log of the sum of exp(output)
  int32_t output = 0;  // the largest; kNotComputed: it cannot be in this block
};
constexpr int32_t kNotComputed = -2, kNone = -1;

}  // namespace

LargestOutputSearch::LargestOutputSearch(Linear rough, int64_t block,
                                         std::vector<BlockBounds> bounds)
    : rough_(std::move(rough)), block_(block), bounds_(std::move(bounds)) {}

absl::StatusOr<std::optional<LargestOutputSearch>> LargestOutputSearch::Create(
    const TensorView& weight, const TensorView& bias, const Linear& layer) {
  const PackedMatrix* const packed = layer.packed();
  if (packed == nullptr || packed->dtype() != DType::kBF16 || !packed->for_matrix_unit() ||
      packed->depth() != layer.in_features() || weight.num_elements() < kLeastWeights) {
    return std::nullopt;
  }
  // The integers are of what the layer multiplies.
  Tensor rounded(DType::kBF16, weight.shape);
  const int64_t outputs = layer.out_features(), inputs = layer.in_features();
  const size_t row_bytes = static_cast<size_t>(inputs) * ByteSize(weight.dtype);
  std::vector<float> row(static_cast<size_t>(inputs)), biases(static_cast<size_t>(outputs));
  std::vector<Norms> norms;
  for (int64_t o = 0; o < outputs; ++o) {
    BFloat16* const to = rounded.values<BFloat16>().data() + o * inputs;
    const auto at = static_cast<size_t>(o) * row_bytes;
    LoadRow(static_cast<const char*>(weight.data) + at, weight.dtype, inputs, row.data());
    StoreRow(row.data(), inputs, DType::kBF16, to);
    LoadRow(to, DType::kBF16, inputs, row.data());
    norms.push_back(NormsOf(row.data(), inputs));
  }
  if (bias.data != nullptr) LoadRow(bias.data, bias.dtype, outputs, biases.data());
  absl::StatusOr<Linear> rough =
      Linear::Create(rounded.view(), bias, LinearTypes(DType::kBF16, DType::kI8));
  // No integers on this processor: then without.
  if (absl::IsUnimplemented(rough.status())) return std::nullopt;
  RETURN_IF_ERROR(rough.status());
  if (!rough->packed()->for_matrix_unit()) return std::nullopt;

  const int64_t block = std::lcm(rough->output_step(), layer.output_step());
  if (kLogitsBlock % block != 0) return std::nullopt;
  std::vector<BlockBounds> bounds(static_cast<size_t>(CeilDivide(outputs, block)));
  for (int64_t o = 0; o < outputs; ++o) {
    BlockBounds& of_block = bounds[static_cast<size_t>(o / block)];
    const Norms& norm = norms[static_cast<size_t>(o)];
    of_block.residual_norm = std::max(of_block.residual_norm, norm.residual);
    of_block.norm = std::max(of_block.norm, norm.quantized);
    of_block.rounding =
        std::max(of_block.rounding, std::abs(biases[static_cast<size_t>(o)]) * 0x1p-20f);
  }
  return LargestOutputSearch(*std::move(rough), block, std::move(bounds));
}

size_t LargestOutputSearch::packed_bytes() const {
  return rough_.packed_bytes() + bounds_.size() * sizeof(BlockBounds);
}

/// One call of Run(). Symbols: R rows, B blocks, C chunks of kLogitsBlock outputs.
class LargestOutputSearch::Search {
 public:
  Search(const LargestOutputSearch& search, const Linear& layer, const void* x, int64_t x_stride,
         absl::Span<LargestOutput> rows, ExecutionContext& context)
      : search_(search),
        layer_(layer),
        x_(static_cast<const char*>(x)),
        x_stride_(x_stride),
        rows_(rows),
        context_(context) {
    const size_t blocks = search.bounds_.size();
    const size_t chunks = rows.size() * static_cast<size_t>(num_chunks_) * sizeof(float);
    const size_t results = rows.size() * blocks * sizeof(BlockResult);
    auto* const memory = static_cast<char*>(context.workspace().Get(
        Workspace::Slot::kOutputBlocks, chunks + results + blocks * sizeof(int32_t)));
    chunk_largest_ = reinterpret_cast<float*>(memory);
    results_ = reinterpret_cast<BlockResult*>(memory + chunks);
    computed_ = reinterpret_cast<int32_t*>(memory + chunks + results);
  }

  void Do() {
    quantized_ = QuantizeRows({.x = x_,
                               .dtype = DType::kBF16,
                               .x_stride = x_stride_,
                               .rows = count(),
                               .width = layer_.in_features(),
                               .depth = search_.rough_.packed()->depth(),
                               .for_matrix_unit = true},
                              context_);
    ReadRough();
    ChooseBlocks();
    Compute(BlocksOfAnyRow());
    ForEachRow([this](size_t r, int) { Finish(r); });
  }

 private:
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }
  absl::Span<BlockResult> ResultsOf(size_t row) const {
    return {results_ + row * search_.bounds_.size(), search_.bounds_.size()};
  }

  // visit(row, thread)
  template <typename Visit>
  void ForEachRow(Visit visit) {
    context_.threads().ParallelFor(count(), kGrainRows,
                                   [&](int64_t begin, int64_t end, int thread) {
                                     for (int64_t r = begin; r < end; ++r)
                                       visit(static_cast<size_t>(r), thread);
                                   });
  }

  // y [R, outputs at stride] of some outputs: roughly, or as they are. Also on a thread of the
  // pool.
  void Multiply(bool roughly, int64_t first, int64_t outputs, float* y, int64_t stride) const {
    const Linear& linear = roughly ? search_.rough_ : layer_;
    LinearProblem problem = linear.Describe({.x = x_,
                                             .x_stride = x_stride_,
                                             .y = y,
                                             .y_stride = stride,
                                             .rows = count(),
                                             .y_in_f32 = true,
                                             .first_output = first,
                                             .num_outputs = outputs});
    if (roughly) {
      problem.x = quantized_.values;
      problem.x_stride = linear.packed()->depth();
      problem.row_scales = quantized_.scales;
    }
    CountKernel(roughly ? Kernel::kLinearMatrixUnitInt8 : Kernel::kLinearMatrixUnitBF16);
    RunLinearOnMatrixUnit(problem, context_);
  }

  // All outputs roughly, slice by slice: each block's largest and the sum of their exponentials.
  void ReadRough() {
    const int64_t most = LogitsAtATime(count());
    const int64_t stride = std::min(most, CeilDivide(outputs_, search_.block_) * search_.block_);
    auto* const y = static_cast<float*>(context_.workspace().Get(
        Workspace::Slot::kLogits, static_cast<size_t>(count() * stride) * sizeof(float)));
    for (int64_t first = 0; first < outputs_; first += most) {
      const int64_t size = std::min(most, outputs_ - first);
      Multiply(true, first, size, y, stride);
      const int64_t chunks = CeilDivide(size, kLogitsBlock);
      context_.threads().ParallelFor(
          count() * chunks, kGrainChunks, [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; ++i) {
              const int64_t row = i / chunks, place = i % chunks * kLogitsBlock;
              ReadChunk(static_cast<size_t>(row), first + place,
                        {y + row * stride + place,
                         static_cast<size_t>(std::min(kLogitsBlock, size - place))});
            }
          });
    }
  }

  void ReadChunk(size_t row, int64_t first, absl::Span<float> outputs) const {
    const auto size = static_cast<int64_t>(outputs.size());
    const int64_t blocks = CeilDivide(size, search_.block_);
    BlockResult* const results = ResultsOf(row).data() + first / search_.block_;
    std::array<float, kLogitsBlock> of_blocks;
    LargestOfBlocks(outputs.data(), size, search_.block_, of_blocks.data());
    const float largest = *std::max_element(of_blocks.begin(), of_blocks.begin() + blocks);
    chunk_largest_[static_cast<int64_t>(row) * num_chunks_ + first / kLogitsBlock] = largest;
    SumExpOfBlocks(outputs.data(), size, search_.block_, largest, of_blocks.data());
    for (int64_t b = 0; b < blocks; ++b) results[b].sum = of_blocks[static_cast<size_t>(b)];
    Exclude(row, first, outputs);
    LargestOfBlocks(outputs.data(), size, search_.block_, of_blocks.data());
    for (int64_t b = 0; b < blocks; ++b) results[b].largest = of_blocks[static_cast<size_t>(b)];
  }

  void Exclude(size_t row, int64_t first, absl::Span<float> outputs) const {
    const absl::Span<const int32_t> excluded = rows_[row].excluded;
    const int64_t end = first + static_cast<int64_t>(outputs.size());
    for (auto at = std::lower_bound(excluded.begin(), excluded.end(), first);
         at != excluded.end() && *at < end; ++at) {
      outputs[static_cast<size_t>(*at - first)] = -kInfinity;
    }
  }

  // Which blocks of each row may have its largest.
  void ChooseBlocks() {
    const int64_t inputs = layer_.in_features();
    auto* const scratch = static_cast<float*>(context_.workspace().Get(
        Workspace::Slot::kLogits,
        static_cast<size_t>(inputs * context_.threads().num_threads()) * sizeof(float)));
    ForEachRow([&](size_t r, int thread) {
      float* const x = scratch + inputs * thread;
      LoadRow(x_ + static_cast<int64_t>(r) * x_stride_ * 2, DType::kBF16, inputs, x);
      const Norms norms = NormsOf(x, inputs);
      const absl::Span<BlockResult> blocks = ResultsOf(r);
      float least = -kInfinity;
      for (size_t b = 0; b < blocks.size(); ++b) {
        least = std::max(least, blocks[b].largest - Bound(norms, b));
      }
      for (size_t b = 0; b < blocks.size(); ++b) {
        const bool may_have =
            blocks[b].largest > -kInfinity && blocks[b].largest + Bound(norms, b) >= least;
        blocks[b].output = may_have ? kNone : kNotComputed;
      }
    });
  }

  absl::Span<const int32_t> BlocksOfAnyRow() const {
    size_t num_computed = 0;
    for (size_t b = 0; b < search_.bounds_.size(); ++b) {
      size_t r = 0;
      while (r < rows_.size() && ResultsOf(r)[b].output == kNotComputed) ++r;
      if (r < rows_.size()) computed_[num_computed++] = static_cast<int32_t>(b);
    }
    return {computed_, num_computed};
  }

  // How far a block's outputs may be from their rough values.
  float Bound(const Norms& x, size_t block) const {
    const BlockBounds& w = search_.bounds_[block];
    // A product of n terms, summed in f32 in any order, is off by at most n 2^-24 |x| |w|.
    const float sum_rounding = static_cast<float>(layer_.in_features() + 8) * 0x1p-24f;
    return kSlack * (x.Full() * w.residual_norm + x.residual * w.norm) +
           sum_rounding * x.Full() * (w.norm + w.residual_norm) + w.rounding;
  }

  // The blocks as they are, for all rows.
  void Compute(absl::Span<const int32_t> blocks) const {
    const int64_t size = count() * search_.block_;
    auto* const scratch = static_cast<float*>(context_.workspace().Get(
        Workspace::Slot::kLogits,
        static_cast<size_t>(size * context_.threads().num_threads()) * sizeof(float)));
    context_.threads().ParallelFor(static_cast<int64_t>(blocks.size()), kGrainBlocks,
                                   [&](int64_t begin, int64_t end, int thread) {
                                     float* const y = scratch + size * thread;
                                     for (int64_t i = begin; i < end; ++i)
                                       ComputeBlock(blocks[static_cast<size_t>(i)], y);
                                   });
  }

  void ComputeBlock(int32_t block, float* y) const {
    const int64_t first = block * search_.block_;
    const int64_t outputs = std::min(search_.block_, outputs_ - first);
    Multiply(false, first, outputs, y, search_.block_);
    for (size_t r = 0; r < rows_.size(); ++r) {
      BlockResult& result = ResultsOf(r)[static_cast<size_t>(block)];
      if (result.output == kNotComputed) continue;
      const int64_t at = static_cast<int64_t>(r) * search_.block_;
      const absl::Span<float> values(y + at, static_cast<size_t>(outputs));
      LogSumExp sum;
      sum.Add(values.data(), outputs);
      result.sum = sum.value();
      Exclude(r, first, values);
      result.largest = -kInfinity;
      for (size_t i = 0; i < values.size(); ++i) {
        if (!(values[i] > result.largest)) continue;
        result.largest = values[i];
        result.output = static_cast<int32_t>(first + static_cast<int64_t>(i));
      }
    }
  }

  void Finish(size_t r) const {
    LargestOutput& row = rows_[r];
    row.output = kNone;
    row.value = -kInfinity;
    LogSumExp total;
    const absl::Span<const BlockResult> results = ResultsOf(r);
    const auto blocks_a_chunk = static_cast<size_t>(kLogitsBlock / search_.block_);
    for (int64_t c = 0; c < num_chunks_; ++c) {
      float sum = 0;
      for (const BlockResult& block :
           results.subspan(static_cast<size_t>(c) * blocks_a_chunk, blocks_a_chunk)) {
        if (block.output == kNotComputed) {
          sum += block.sum;
          continue;
        }
        total.Add(&block.sum, 1);
        if (block.output == kNone || !(block.largest > row.value)) continue;
        row.value = block.largest;
        row.output = block.output;
      }
      if (!(sum > 0)) continue;
      const float rough = chunk_largest_[static_cast<int64_t>(r) * num_chunks_ + c] + std::log(sum);
      total.Add(&rough, 1);
    }
    row.log_sum_exp = total.value();
  }

  const LargestOutputSearch& search_;
  const Linear& layer_;
  const char* const x_;
  const int64_t x_stride_;
  const absl::Span<LargestOutput> rows_;
  ExecutionContext& context_;
  const int64_t outputs_ = layer_.out_features();
  const int64_t num_chunks_ = CeilDivide(outputs_, kLogitsBlock);
  Int8Rows quantized_;
  float* chunk_largest_ = nullptr;  // [R, C], excluded outputs too
  BlockResult* results_ = nullptr;  // [R, B]
  int32_t* computed_ = nullptr;     // [B]
};

void LargestOutputSearch::Run(const Linear& layer, const void* x, int64_t x_stride,
                              absl::Span<LargestOutput> rows, ExecutionContext& context) const {
  if (rows.empty()) return;
  Search(*this, layer, x, x_stride, rows, context).Do();
}

}  // namespace attentiond
