#include "core/ops/feed_forward.h"

#include <algorithm>

#include "core/base/status_macros.h"
#include "core/ops/feed_forward_groups.h"
#include "core/ops/int8_feed_forward.h"
#include "core/ops/linear_kernels.h"
#include "core/ops/row_stride.h"
#include "core/ops/tile_product.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

constexpr int64_t kCacheLine = 64;
// Tokens that go through one layer after the other where these are run one by one: what is made of
// them is still in the caches when it is used. Fewer would read the weights more often.
constexpr int64_t kStageRowsPerThread = 1024;
// Of the second-level cache (2 MiB where there is a matrix unit): f32 sums of a group of rows, and
// what is between the layers. The rows themselves and the panels that pass by want the rest.
constexpr int64_t kSumBytes = 768 * 1024, kSliceBytes = 384 * 1024;
// With fewer rows in a group the weights, which each group reads, are what it waits for.
constexpr int64_t kLeastGroupRows = 128;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t RoundUp(int64_t a, int64_t b) { return CeilDivide(a, b) * b; }

int64_t ElementBytes(const Linear& layer) {
  return static_cast<int64_t>(ByteSize(layer.types().activations));
}

// The group of rows that a thread takes through both layers, and how much of what is between them
// it has at a time.
struct Groups {
  Groups(const FeedForwardArgs& args, int num_threads) {
    const PackedMatrix &up = *args.up->packed(), &down = *args.down->packed();
    constexpr int64_t kBlock = TileMultiplier::kBlockRows;
    const int64_t sum_row_bytes =
        down.num_panels() * TileMultiplier::kMaxColumns * static_cast<int64_t>(sizeof(float));
    const int64_t most = std::max(kBlock, kSumBytes / sum_row_bytes / kBlock * kBlock);
    count = RoundUp(CeilDivide(args.rows, most), num_threads);
    rows = RoundUp(CeilDivide(args.rows, count), kBlock);
    count = CeilDivide(args.rows, rows);
    // Whole panels of the one layer that are whole steps of the other.
    const int64_t unit = up.panel_columns() == 48 ? 96 : TileMultiplier::kDepthStep;
    slice = std::max(unit, kSliceBytes / (2 * rows) / unit * unit);
    slice = std::min(slice, RoundUp(up.columns(), unit));
    // Rows powers of two apart would compete for few places in the cache.
    slice_stride = slice * 2 + kCacheLine;
    sum_bytes = rows * sum_row_bytes;
    scratch_bytes = sum_bytes + RoundUp(rows * slice_stride, kCacheLine);
  }

  int64_t count, rows;
  int64_t slice;         // channels between the layers
  int64_t slice_stride;  // bytes
  int64_t sum_bytes, scratch_bytes;
};

bool IsForGroups(const Linear& layer) {
  const PackedMatrix* const packed = layer.packed();
  return packed != nullptr && packed->dtype() == DType::kBF16 && packed->for_matrix_unit() &&
         packed->depth() == layer.in_features();
}

// Whether groups of rows are faster than stages.
bool WantsGroups(const FeedForwardArgs& args, int num_threads) {
  return args.rows >= kLeastGroupRows * num_threads && IsForGroups(*args.up) &&
         IsForGroups(*args.down) && (args.input == nullptr || IsForGroups(*args.input->layer));
}

// One group of rows on the calling thread.
class Group {
 public:
  Group(const FeedForwardArgs& args, const Groups& groups, char* scratch)
      : args_(args),
        groups_(groups),
        sums_(reinterpret_cast<float*>(scratch)),
        between_(scratch + groups.sum_bytes) {}

  void Run(int64_t row) {
    const int64_t rows = std::min(groups_.rows, args_.rows - row);
    if (args_.input != nullptr) Input(row, rows);
    const LinearProblem down = args_.down->Describe({.x = between_,
                                                     .x_stride = groups_.slice_stride / 2,
                                                     .y = args_.y,
                                                     .y_stride = args_.y_stride,
                                                     .rows = args_.rows,
                                                     .residual = args_.residual});
    const int64_t inner = args_.up->out_features();
    for (int64_t slice = 0; slice < inner; slice += groups_.slice) {
      const int64_t end = std::min(inner, slice + groups_.slice);
      Up(row, rows, slice, end);
      Down(down, row, slice, end);
    }
    multiplier_.Flush();
    if (args_.norm != nullptr) LayerNormRows(NormOf(args_), row, row + rows);
  }

 private:
  void Input(int64_t row, int64_t rows) {
    const LinearProblem problem = args_.input->layer->Describe(InputLayerOf(args_));
    MultiplyPanels(problem, row, rows, 0, problem.num_panels, &multiplier_,
                   args_.up->packed()->at(0, 0));
    multiplier_.Flush();
    LayerNormRows(InputNormOf(args_), row, row + rows);
  }

  // Channels [begin, end) of what is between the layers.
  void Up(int64_t row, int64_t rows, int64_t begin, int64_t end) {
    const LinearProblem up =
        args_.up->Describe({.x = static_cast<const char*>(args_.x) + row * args_.x_stride * 2,
                            .x_stride = args_.x_stride,
                            .y = between_,
                            .y_stride = groups_.slice_stride / 2,
                            .rows = rows,
                            .activation = args_.activation,
                            .first_output = begin,
                            .num_outputs = end - begin});
    MultiplyPanels(up, 0, rows, up.first_panel, up.num_panels, &multiplier_,
                   args_.down->packed()->at(0, begin));
    multiplier_.Flush();
  }

  // What these channels add to the sums.
  void Down(const LinearProblem& down, int64_t row, int64_t begin, int64_t end) {
    const PackedMatrix& weight = *down.weight;
    TileProduct product;
    product.x = between_;
    product.x_stride = groups_.slice_stride;
    product.depth = end - begin;
    product.columns = weight.panel_columns();
    product.first_slice = begin == 0;
    product.last_slice = end == weight.depth();
    product.finish = ChooseFinishRows(down.result.activation, down.result.dtype);
    product.result = down.ResultAt(row, groups_.rows, 0, product.columns);
    for (int64_t panel = 0; panel < weight.num_panels(); ++panel) {
      product.panel = static_cast<const char*>(weight.at(panel, begin));
      product.next_panel = static_cast<const char*>(weight.at(panel + 1, begin));
      product.partial_sums = sums_ + panel * groups_.rows * TileMultiplier::kMaxColumns;
      multiplier_.Multiply(product);
      product.result.NextColumns(weight.ColumnsOf(panel + 1));
    }
  }

  const FeedForwardArgs& args_;
  const Groups& groups_;
  float* const sums_;    // [panels][rows][columns]
  char* const between_;  // [rows, slice] of bf16
  TileMultiplier multiplier_;
};

absl::Status RunInStages(const FeedForwardArgs& args, ExecutionContext& context) {
  if (args.input != nullptr) {
    RETURN_IF_ERROR(args.input->layer->Run(InputLayerOf(args), context));
    LayerNorm(InputNormOf(args), context);
  }
  const int64_t element = ElementBytes(*args.up);
  const int64_t most = kStageRowsPerThread * context.threads().num_threads();
  const int64_t stride = RowStride(args.up->out_features(), args.up->types().activations);
  void* const between =
      context.workspace().Get(Workspace::Slot::kIntermediate,
                              static_cast<size_t>(std::min(most, args.rows) * stride * element));
  for (int64_t row = 0; row < args.rows; row += most) {
    const int64_t rows = std::min(most, args.rows - row);
    auto* const y = static_cast<char*>(args.y) + row * args.y_stride * element;
    RETURN_IF_ERROR(
        args.up->Run({.x = static_cast<const char*>(args.x) + row * args.x_stride * element,
                      .x_stride = args.x_stride,
                      .y = between,
                      .y_stride = stride,
                      .rows = rows,
                      .activation = args.activation},
                     context));
    const void* const residual =
        args.residual == nullptr
            ? nullptr
            : static_cast<const char*>(args.residual) + row * args.y_stride * element;
    RETURN_IF_ERROR(args.down->Run({.x = between,
                                    .x_stride = stride,
                                    .y = y,
                                    .y_stride = args.y_stride,
                                    .rows = rows,
                                    .residual = residual},
                                   context));
    if (args.norm == nullptr) continue;
    LayerNormArgs norm = NormOf(args);
    norm.x = norm.y = y;
    norm.rows = rows;
    LayerNorm(norm, context);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FeedForward(const FeedForwardArgs& args, ExecutionContext& context) {
  if (args.rows == 0) return absl::OkStatus();
  if (WantsInt8Groups(args, context.threads().num_threads())) {
    RunInt8Groups(args, context);
    return absl::OkStatus();
  }
  if (!WantsGroups(args, context.threads().num_threads())) return RunInStages(args, context);
  const Groups groups(args, context.threads().num_threads());
  RunFeedForwardGroups<Group>(args, groups, Kernel::kLinearMatrixUnitBF16, context);
  return absl::OkStatus();
}

}  // namespace attentiond
