#include "core/ops/linear_kernels.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/base/status_macros.h"
#include "core/onednn/context.h"
#include "core/ops/int8_tiles.h"
#include "core/ops/tile_product.h"

namespace attentiond {
namespace {

// Rows that one micro-kernel multiplies; what is left of them is made up of the smaller numbers, so
// that a shape has few kernels and none is made when a number of rows is new.
constexpr std::array<int64_t, 6> kRowCounts = {32, 16, 8, 4, 2, 1};
constexpr int64_t kBlockRows = kRowCounts[0];
// Rows that a task of micro-kernels multiplies with one panel, while the panel is in the
// second-level cache.
constexpr int64_t kTaskRows = 256;
// Rows of x that stay in the second-level cache (2 MiB where there is a matrix unit) while the
// panels pass by. Fewer rows read the weights more often, and memory is what large products wait
// for.
constexpr int64_t kGroupBytes = 768 * 1024;
// The most that a micro-kernel multiplies in one go; keeps its unrolled code small.
constexpr int64_t kMaxChunkDepth = 512;
// Less work than this is not worth another thread.
constexpr double kGrainSeconds = 10e-6;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `rows` in as few equal groups of at most `most`, or a block, as it takes; in whole blocks.
int64_t GroupRows(int64_t rows, int64_t most, int64_t block) {
  const int64_t num_groups = CeilDivide(rows, std::max(block, most));
  return CeilDivide(CeilDivide(rows, num_groups), block) * block;
}

// Tasks of `rows` rows and one panel that are worth a thread. How long one takes is estimated from
// what a thread multiplies and reads in a second: low is safe.
int64_t Grain(const PackedMatrix& weight, int64_t rows) {
  const double multiply_adds_a_second = weight.dtype() == DType::kF32 ? 1e11 : 1e12;
  const double bytes_a_second = 2e10;
  const auto size = static_cast<double>(weight.depth() * weight.panel_columns());
  const double seconds =
      std::max(static_cast<double>(rows) * size / multiply_adds_a_second,
               size * static_cast<double>(ByteSize(weight.dtype())) / bytes_a_second);
  return std::max<int64_t>(1, static_cast<int64_t>(kGrainSeconds / seconds));
}

// The depth in equal chunks of a multiple of 32, the last one shorter.
struct DepthChunks {
  explicit DepthChunks(int64_t depth) {
    count = CeilDivide(depth, kMaxChunkDepth);
    length = CeilDivide(CeilDivide(depth, count), 32) * 32;
    count = CeilDivide(depth, length);
    last = depth - (count - 1) * length;
  }
  int64_t count, length, last;
};

// The kernels of one number of rows: the first chunk overwrites the tile, later ones add to it.
struct ChunkKernels {
  std::shared_ptr<const onednn::MicroKernel> first, middle, last;

  const onednn::MicroKernel& OfChunk(int64_t chunk, const DepthChunks& chunks) const {
    if (chunk == 0) return *first;
    return chunk == chunks.count - 1 ? *last : *middle;
  }
};

absl::StatusOr<ChunkKernels> GetKernels(onednn::KernelCache& cache, const DepthChunks& chunks,
                                        onednn::MicroKernelShape shape) {
  ChunkKernels kernels;
  shape.depth = chunks.count == 1 ? chunks.last : chunks.length;
  // The sums of integers begin with PackedMatrix::first_sums().
  shape.accumulate = shape.dtype == DType::kU8;
  ASSIGN_OR_RETURN(kernels.first, cache.Get(shape));
  shape.accumulate = true;
  if (chunks.count > 2) {
    ASSIGN_OR_RETURN(kernels.middle, cache.Get(shape));
  }
  if (chunks.count > 1) {
    shape.depth = chunks.last;
    ASSIGN_OR_RETURN(kernels.last, cache.Get(shape));
  }
  return kernels;
}

// A thread's own memory: a tile of sums and what the kernels need.
struct Scratch {
  alignas(AlignedBuffer::kAlignment)
      std::array<float, kBlockRows * PackedMatrix::kMaxPanelColumns> tile;
  alignas(AlignedBuffer::kAlignment) std::array<char, onednn::MicroKernel::kScratchBytes> kernel;
};

}  // namespace

TileResult LinearProblem::ResultAt(int64_t row, int64_t max_rows, int64_t column,
                                   int64_t max_columns) const {
  const int64_t first_column = first_panel * weight->panel_columns();
  const int64_t offset = (row * result.y_stride + column - first_column) *
                         static_cast<int64_t>(ByteSize(result.dtype));
  TileResult part = result;
  part.rows = std::min(max_rows, rows - row);
  part.columns = std::min(max_columns, weight->columns() - column);
  part.bias = result.bias + column;
  part.y = static_cast<char*>(result.y) + offset;
  if (result.residual != nullptr) {
    part.residual = static_cast<const char*>(result.residual) + offset;
  }
  return part;
}

Int8Sums LinearProblem::Int8ResultAt(int64_t row, int64_t max_rows, int64_t column,
                                     int64_t max_columns) const {
  const TileResult part = ResultAt(row, max_rows, column, max_columns);
  return {.rows = part.rows,
          .columns = part.columns,
          .row_scales = row_scales + row,
          .column_scales = weight->scales() + column,
          .bias = part.bias,
          .residual = part.residual,
          .y = part.y,
          .y_stride = part.y_stride,
          .dtype = part.dtype};
}

namespace {

// Some tasks of the matrix unit: a task is one panel and a group of rows, and a thread keeps to a
// group for as long as it can. visit(row, panel, num_panels) for each group: its first row, and
// panels that follow each other.
template <typename Visit>
void ForEachGroup(const LinearProblem& problem, int64_t group_rows, int64_t begin, int64_t end,
                  Visit visit) {
  for (int64_t task = begin; task < end;) {
    const int64_t group = task / problem.num_panels, panel = task % problem.num_panels;
    const int64_t count = std::min(end - task, problem.num_panels - panel);
    visit(group * group_rows, problem.first_panel + panel, count);
    task += count;
  }
}

void RunInt8OnMatrixUnit(const LinearProblem& problem, ExecutionContext& context) {
  const PackedMatrix& weight = *problem.weight;
  const int64_t group_rows = GroupRows(problem.rows, kGroupBytes / weight.depth(), kBlockRows);
  context.threads().ParallelFor(
      CeilDivide(problem.rows, group_rows) * problem.num_panels,
      Grain(weight, std::min(problem.rows, group_rows)), [&](int64_t begin, int64_t end, int) {
        Int8TileMultiplier multiplier;
        ForEachGroup(problem, group_rows, begin, end,
                     [&](int64_t row, int64_t panel, int64_t num_panels) {
                       MultiplyInt8Panels(problem, row, group_rows, panel, num_panels, &multiplier);
                     });
        multiplier.Flush();
      });
}

}  // namespace

void MultiplyInt8Panels(const LinearProblem& problem, int64_t row, int64_t max_rows, int64_t panel,
                        int64_t num_panels, Int8TileMultiplier* multiplier) {
  const PackedMatrix& weight = *problem.weight;
  const int64_t column = panel * weight.panel_columns();
  Int8TileProduct product;
  product.x = static_cast<const uint8_t*>(problem.x) + row * weight.depth();
  product.depth = weight.depth();
  product.finish = ChooseFinishInt8Rows(problem.result.activation, problem.result.dtype);
  product.first_sums = weight.first_sums() + column;
  product.result = problem.Int8ResultAt(row, max_rows, column, weight.panel_columns());
  for (const int64_t last = panel + num_panels; panel < last;) {
    product.panel = static_cast<const int8_t*>(weight.at(panel, 0));
    multiplier->Multiply(product);
    product.first_sums += weight.panel_columns();
    product.result.NextColumns(weight.ColumnsOf(++panel));
  }
}

void MultiplyPanels(const LinearProblem& problem, int64_t row, int64_t max_rows, int64_t panel,
                    int64_t num_panels, TileMultiplier* multiplier, const void* next) {
  const PackedMatrix& weight = *problem.weight;
  TileProduct product;
  product.x_stride = problem.x_stride * static_cast<int64_t>(ByteSize(DType::kBF16));
  product.x = static_cast<const char*>(problem.x) + row * product.x_stride;
  product.depth = weight.depth();
  product.columns = weight.panel_columns();
  product.finish = ChooseFinishRows(problem.result.activation, problem.result.dtype);
  product.result = problem.ResultAt(row, max_rows, panel * product.columns, product.columns);
  for (const int64_t last = panel + num_panels; panel < last;) {
    product.panel = static_cast<const char*>(weight.at(panel, 0));
    ++panel;
    product.next_panel =
        static_cast<const char*>(panel == last && next != nullptr ? next : weight.at(panel, 0));
    multiplier->Multiply(product);
    product.result.NextColumns(weight.ColumnsOf(panel));
  }
}

void RunLinearOnMatrixUnit(const LinearProblem& problem, ExecutionContext& context) {
  const PackedMatrix& weight = *problem.weight;
  if (weight.dtype() == DType::kI8) return RunInt8OnMatrixUnit(problem, context);
  const int64_t row_bytes = problem.x_stride * static_cast<int64_t>(ByteSize(DType::kBF16));
  const int64_t group_rows =
      GroupRows(problem.rows, kGroupBytes / row_bytes, TileMultiplier::kBlockRows);
  context.threads().ParallelFor(
      CeilDivide(problem.rows, group_rows) * problem.num_panels,
      Grain(weight, std::min(problem.rows, group_rows)), [&](int64_t begin, int64_t end, int) {
        TileMultiplier multiplier;
        ForEachGroup(problem, group_rows, begin, end,
                     [&](int64_t row, int64_t panel, int64_t num_panels) {
                       MultiplyPanels(problem, row, group_rows, panel, num_panels, &multiplier);
                     });
        multiplier.Flush();
      });
}

absl::Status RunLinearOnMicroKernels(const LinearProblem& problem, ExecutionContext& context) {
  const PackedMatrix& weight = *problem.weight;
  const DepthChunks chunks(weight.depth());
  std::array<ChunkKernels, kRowCounts.size()> kernels;
  onednn::MicroKernelShape shape;
  shape.columns = shape.c_stride = weight.panel_columns();
  shape.a_stride = problem.x_stride;
  const bool in_int8 = weight.dtype() == DType::kI8;
  shape.dtype = in_int8 ? DType::kU8 : weight.dtype();
  const FinishInt8Rows finish_int8 =
      ChooseFinishInt8Rows(problem.result.activation, problem.result.dtype);
  for (size_t i = 0; i < kRowCounts.size(); ++i) {
    shape.rows = kRowCounts[i];
    const bool needed = i == 0 ? problem.rows >= kBlockRows : (problem.rows & kRowCounts[i]) != 0;
    if (!needed) continue;
    ASSIGN_OR_RETURN(kernels[i], GetKernels(context.onednn().kernels(), chunks, shape));
  }

  const auto element = static_cast<int64_t>(ByteSize(weight.dtype()));
  const auto* const x = static_cast<const char*>(problem.x);
  // y of some rows and one panel of columns.
  const auto run_tile = [&](int64_t row, size_t row_count, int64_t panel, onednn::MatrixUnit& unit,
                            Scratch& scratch) {
    const int64_t column = panel * weight.panel_columns();
    auto* const sums = reinterpret_cast<int32_t*>(scratch.tile.data());
    for (int64_t r = 0; in_int8 && r < kRowCounts[row_count]; ++r) {
      std::copy_n(weight.first_sums() + column, weight.panel_columns(),
                  sums + r * weight.panel_columns());
    }
    for (int64_t c = 0; c < chunks.count; ++c) {
      const onednn::MicroKernel& kernel = kernels[row_count].OfChunk(c, chunks);
      unit.Prepare(kernel);
      kernel.Run(x + (row * problem.x_stride + c * chunks.length) * element,
                 weight.at(panel, c * chunks.length), scratch.tile.data(), scratch.kernel.data());
    }
    if (in_int8) {
      Int8Sums result =
          problem.Int8ResultAt(row, kRowCounts[row_count], column, weight.panel_columns());
      result.sums = sums;
      result.sums_stride = weight.panel_columns();
      return finish_int8(result, 0, result.rows);
    }
    TileResult result =
        problem.ResultAt(row, kRowCounts[row_count], column, weight.panel_columns());
    result.tile = scratch.tile.data();
    result.tile_stride = weight.panel_columns();
    FinishTile(result);
  };

  const int64_t num_groups = CeilDivide(problem.rows, kTaskRows);
  // A task is one panel and a group of rows; a thread keeps to a group for as long as it can.
  context.threads().ParallelFor(
      num_groups * problem.num_panels, Grain(weight, std::min(problem.rows, kTaskRows)),
      [&](int64_t begin, int64_t end, int) {
        Scratch scratch;
        onednn::MatrixUnit unit;
        for (int64_t task = begin; task < end; ++task) {
          const int64_t panel = problem.first_panel + task % problem.num_panels;
          int64_t row = task / problem.num_panels * kTaskRows;
          const int64_t end_row = std::min(problem.rows, row + kTaskRows);
          for (size_t i = 0; i < kRowCounts.size(); ++i) {
            for (; end_row - row >= kRowCounts[i]; row += kRowCounts[i]) {
              run_tile(row, i, panel, unit, scratch);
            }
          }
        }
      });
  return absl::OkStatus();
}

}  // namespace attentiond
