#include "core/ops/int8_feed_forward.h"

#include <algorithm>

#include "core/ops/feed_forward_groups.h"
#include "core/ops/int8_rows.h"
#include "core/ops/int8_tiles.h"
#include "core/ops/linear_kernels.h"
#include "core/ops/row_stride.h"

namespace attentiond {
namespace {

// A group's rows between the layers and what they are quantised to: 256 rows of a model of base
// size. Measured: half as many and twice as many are slower.
constexpr int64_t kGroupBytes = 2400 * 1024;
// With fewer rows in a group the weights, which each group reads, are what it waits for.
constexpr int64_t kLeastGroupRows = 128;
constexpr int64_t kBlockRows = Int8RowsArgs::kBlockRows;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t RoundUp(int64_t a, int64_t b) { return CeilDivide(a, b) * b; }

// How many rows a group has, and where things are in a thread's memory.
struct Groups {
  Groups(const FeedForwardArgs& args, int num_threads) {
    const PackedMatrix &up = *args.up->packed(), &down = *args.down->packed();
    const DType dtype = args.up->types().activations;
    between_stride = RowStride(args.up->out_features(), dtype);
    const int64_t between_row_bytes = between_stride * static_cast<int64_t>(ByteSize(dtype));
    const int64_t value_row_bytes =
        std::max({up.depth(), down.depth(),
                  args.input == nullptr ? 0 : args.input->layer->packed()->depth()});
    const int64_t most =
        std::max(kLeastGroupRows, kGroupBytes / (between_row_bytes + down.depth()));
    count = RoundUp(CeilDivide(args.rows, most), num_threads);
    rows = RoundUp(CeilDivide(args.rows, count), kBlockRows);
    count = CeilDivide(args.rows, rows);
    values = rows * between_row_bytes;
    scales = values + rows * value_row_bytes;
    scratch_bytes = RoundUp(scales + rows * static_cast<int64_t>(sizeof(float)),
                            static_cast<int64_t>(AlignedBuffer::kAlignment));
  }

  int64_t count, rows;
  int64_t between_stride;  // elements
  int64_t values, scales;  // offsets; what is between the layers comes first
  int64_t scratch_bytes;
};

// One group of rows on the calling thread.
class Group {
 public:
  Group(const FeedForwardArgs& args, const Groups& groups, char* scratch)
      : args_(args),
        groups_(groups),
        between_(scratch),
        values_(reinterpret_cast<uint8_t*>(scratch + groups.values)),
        scales_(reinterpret_cast<float*>(scratch + groups.scales)) {}

  void Run(int64_t row) {
    const int64_t rows = std::min(groups_.rows, args_.rows - row);
    const auto element = static_cast<int64_t>(ByteSize(args_.up->types().activations));
    const int64_t y_offset = row * args_.y_stride * element;
    if (args_.input != nullptr) {
      Linear::Args input = InputLayerOf(args_);
      input.x = static_cast<const char*>(input.x) + row * input.x_stride * element;
      input.y = static_cast<char*>(input.y) + row * input.y_stride * element;
      input.residual = input.y;
      input.rows = rows;
      Multiply(*args_.input->layer, input);
      LayerNormRows(InputNormOf(args_), row, row + rows);
    }
    Multiply(*args_.up, {.x = static_cast<const char*>(args_.x) + row * args_.x_stride * element,
                         .x_stride = args_.x_stride,
                         .y = between_,
                         .y_stride = groups_.between_stride,
                         .rows = rows,
                         .activation = args_.activation});
    Multiply(*args_.down, {.x = between_,
                           .x_stride = groups_.between_stride,
                           .y = static_cast<char*>(args_.y) + y_offset,
                           .y_stride = args_.y_stride,
                           .rows = rows,
                           .residual = args_.residual == nullptr
                                           ? nullptr
                                           : static_cast<const char*>(args_.residual) + y_offset});
    if (args_.norm != nullptr) LayerNormRows(NormOf(args_), row, row + rows);
  }

 private:
  void Multiply(const Linear& layer, const Linear::Args& args) {
    LinearProblem problem = layer.Describe(args);
    const int64_t depth = problem.weight->depth();
    QuantizeBlocks({.x = args.x,
                    .dtype = layer.types().activations,
                    .x_stride = args.x_stride,
                    .rows = args.rows,
                    .width = layer.in_features(),
                    .depth = depth,
                    .for_matrix_unit = true},
                   0, CeilDivide(args.rows, kBlockRows), values_, scales_);
    problem.x = values_;
    problem.x_stride = depth;
    problem.row_scales = scales_;
    MultiplyInt8Panels(problem, 0, args.rows, 0, problem.num_panels, &multiplier_);
    multiplier_.Flush();
  }

  const FeedForwardArgs& args_;
  const Groups& groups_;
  char* const between_;
  uint8_t* const values_;
  float* const scales_;
  Int8TileMultiplier multiplier_;
};

}  // namespace

bool WantsInt8Groups(const FeedForwardArgs& args, int num_threads) {
  const auto is_for_groups = [](const Linear& layer) {
    const PackedMatrix* const packed = layer.packed();
    return packed != nullptr && packed->dtype() == DType::kI8 && packed->for_matrix_unit();
  };
  return args.rows >= kLeastGroupRows * num_threads && is_for_groups(*args.up) &&
         is_for_groups(*args.down) && (args.input == nullptr || is_for_groups(*args.input->layer));
}

void RunInt8Groups(const FeedForwardArgs& args, ExecutionContext& context) {
  const Groups groups(args, context.threads().num_threads());
  RunFeedForwardGroups<Group>(args, groups, Kernel::kLinearMatrixUnitInt8, context);
}

}  // namespace attentiond
