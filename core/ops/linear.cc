#include "core/ops/linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/context.h"
#include "core/onednn/isa.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/packed_matrix.h"
#include "core/ops/row_kernels.h"
#include "core/ops/workspace.h"
#include "core/reference/linear.h"

namespace attentiond {
namespace {

// Rows that one micro-kernel multiplies: two tile registers high.
constexpr int64_t kBlockRows = 32;
// Blocks that a task multiplies with one panel, while the panel is in the second-level cache.
constexpr int64_t kBlocksPerTask = 8;
// The most that a micro-kernel multiplies in one go; keeps its unrolled code small.
constexpr int64_t kMaxChunkDepth = 512;
// Multiply-adds that take about 15 us: less is not worth another thread.
constexpr int64_t GrainMultiplyAdds(DType dtype) {
  return dtype == DType::kBF16 ? int64_t{1} << 23 : int64_t{1} << 20;
}

// The depth in equal chunks of a multiple of 32, the last one shorter.
struct DepthChunks {
  explicit DepthChunks(int64_t depth) {
    count = (depth + kMaxChunkDepth - 1) / kMaxChunkDepth;
    length = ((depth + count - 1) / count + 31) / 32 * 32;
    count = (depth + length - 1) / length;
    last = depth - (count - 1) * length;
  }
  int64_t count, length, last;
};

// The kernels of one number of rows: the first chunk overwrites the tile, later ones add to it.
struct ChunkKernels {
  std::shared_ptr<const onednn::MicroKernel> first, middle, last;
};

absl::StatusOr<ChunkKernels> GetKernels(onednn::KernelCache& cache, const DepthChunks& chunks,
                                        onednn::MicroKernelShape shape) {
  ChunkKernels kernels;
  shape.depth = chunks.count == 1 ? chunks.last : chunks.length;
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

struct Linear::Impl {
  DType compute = DType::kF32;
  int64_t in = 0, out = 0;
  PackedMatrix packed;
  AlignedBuffer bias;  // f32 [out], zeros when the layer has none
  // [out, in], only where there are no micro-kernels.
  std::vector<float> plain;

  const float* bias_data() const { return static_cast<const float*>(bias.data()); }
  void RunReference(const Args& args, ExecutionContext& context) const;
  const void* PadDepth(const Args& args, ExecutionContext& context) const;
  absl::Status RunMicroKernels(const Args& args, ExecutionContext& context) const;
};

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

int64_t Linear::in_features() const { return impl_->in; }
int64_t Linear::out_features() const { return impl_->out; }
DType Linear::compute() const { return impl_->compute; }
size_t Linear::packed_bytes() const {
  return impl_->packed.bytes() + impl_->bias.size() + impl_->plain.size() * sizeof(float);
}

namespace {

bool IsWeightType(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16;
}

absl::Status Validate(const TensorView& weight, const TensorView& bias, DType compute) {
  if (weight.shape.rank() != 2 || weight.num_elements() == 0 || !IsWeightType(weight.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("weight is ", Name(weight.dtype), " ",
                                                   weight.shape.ToString(),
                                                   ", a linear layer needs f32, bf16 or f16 of "
                                                   "shape [out, in], both at least 1"));
  }
  if (bias.data != nullptr &&
      (bias.shape != Shape({weight.shape.dim(0)}) || !IsWeightType(bias.dtype))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "bias is ", Name(bias.dtype), " ", bias.shape.ToString(), ", a weight of ",
        weight.shape.ToString(), " needs f32, bf16 or f16 of shape [", weight.shape.dim(0), "]"));
  }
  if (compute != DType::kF32 && compute != DType::kBF16) {
    return absl::InvalidArgumentError(
        absl::StrCat("compute type ", Name(compute), "; it is f32 or bf16"));
  }
  if (compute == DType::kBF16 && !onednn::HasMicroKernels(compute)) {
    return absl::UnimplementedError(
        absl::StrCat("this processor (", onednn::IsaName(), ") does not multiply bf16; use f32"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Linear> Linear::Create(TensorView weight, TensorView bias, DType compute) {
  RETURN_IF_ERROR(Validate(weight, bias, compute));
  auto impl = std::make_unique<Impl>();
  impl->compute = compute;
  impl->out = weight.shape.dim(0);
  impl->in = weight.shape.dim(1);
  const auto out = static_cast<size_t>(impl->out);
  impl->bias = AlignedBuffer(out * sizeof(float));
  std::memset(impl->bias.data(), 0, out * sizeof(float));
  if (bias.data != nullptr) {
    LoadRow(bias.data, bias.dtype, impl->out, static_cast<float*>(impl->bias.data()));
  }
  if (onednn::HasMicroKernels(compute)) {
    impl->packed = PackedMatrix(weight, compute);
  } else {
    impl->plain.resize(static_cast<size_t>(weight.num_elements()));
    LoadRow(weight.data, weight.dtype, weight.num_elements(), impl->plain.data());
  }
  return Linear(std::move(impl));
}

absl::Status Linear::Run(const Args& args, ExecutionContext& context) const {
  if (args.rows == 0) return absl::OkStatus();
  if (!impl_->plain.empty()) {
    impl_->RunReference(args, context);
    return absl::OkStatus();
  }
  return impl_->RunMicroKernels(args, context);
}

void Linear::Impl::RunReference(const Args& args, ExecutionContext& context) const {
  CountKernel(Kernel::kLinearReference);
  const auto inputs = static_cast<size_t>(in), outputs = static_cast<size_t>(out);
  const reference::LinearLayer layer{plain, absl::MakeConstSpan(bias_data(), outputs),
                                     args.activation};
  context.threads().ParallelFor(args.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const residual = static_cast<const float*>(args.residual);
      reference::Linear(
          layer, absl::MakeConstSpan(static_cast<const float*>(args.x) + r * args.x_stride, inputs),
          residual == nullptr ? absl::Span<const float>()
                              : absl::MakeConstSpan(residual + r * args.y_stride, outputs),
          absl::MakeSpan(static_cast<float*>(args.y) + r * args.y_stride, outputs));
    }
  });
}

// x with zeros up to the packed depth, in the workspace.
const void* Linear::Impl::PadDepth(const Args& args, ExecutionContext& context) const {
  const size_t element = ByteSize(compute);
  const size_t row_bytes = static_cast<size_t>(packed.depth()) * element;
  const size_t used_bytes = static_cast<size_t>(in) * element;
  char* const padded = static_cast<char*>(context.workspace().Get(
      Workspace::Slot::kPrimitive, static_cast<size_t>(args.rows) * row_bytes));
  for (int64_t r = 0; r < args.rows; ++r) {
    char* const row = padded + static_cast<size_t>(r) * row_bytes;
    std::memcpy(row,
                static_cast<const char*>(args.x) + static_cast<size_t>(r * args.x_stride) * element,
                used_bytes);
    std::memset(row + used_bytes, 0, row_bytes - used_bytes);
  }
  return padded;
}

absl::Status Linear::Impl::RunMicroKernels(const Args& args, ExecutionContext& context) const {
  CountKernel(compute == DType::kBF16 ? Kernel::kLinearMicroKernelBF16
                                      : Kernel::kLinearMicroKernelF32);
  const bool pad = packed.depth() != in;
  const char* const x = static_cast<const char*>(pad ? PadDepth(args, context) : args.x);
  const int64_t x_stride = pad ? packed.depth() : args.x_stride;
  const DepthChunks chunks(packed.depth());
  onednn::MicroKernelShape shape;
  shape.columns = shape.c_stride = packed.panel_columns();
  shape.a_stride = x_stride;
  shape.dtype = compute;
  ChunkKernels whole, rest;  // of a whole block of rows, and of the last one
  const int64_t rest_rows = args.rows % kBlockRows;
  if (args.rows >= kBlockRows) {
    shape.rows = kBlockRows;
    ASSIGN_OR_RETURN(whole, GetKernels(context.onednn().kernels(), chunks, shape));
  }
  if (rest_rows > 0) {
    shape.rows = rest_rows;
    ASSIGN_OR_RETURN(rest, GetKernels(context.onednn().kernels(), chunks, shape));
  }

  const auto element = static_cast<int64_t>(ByteSize(compute));
  const int64_t num_blocks = (args.rows + kBlockRows - 1) / kBlockRows;
  const int64_t num_groups = (num_blocks + kBlocksPerTask - 1) / kBlocksPerTask;
  // y of one block of rows and one panel of columns.
  const auto run_tile = [&](int64_t block, int64_t panel, onednn::MatrixUnit& unit,
                            Scratch& scratch) {
    const int64_t row = block * kBlockRows, column = panel * packed.panel_columns();
    const int64_t rows = std::min(kBlockRows, args.rows - row);
    const ChunkKernels& kernels = rows == kBlockRows ? whole : rest;
    for (int64_t c = 0; c < chunks.count; ++c) {
      const onednn::MicroKernel& kernel = c == 0                  ? *kernels.first
                                          : c == chunks.count - 1 ? *kernels.last
                                                                  : *kernels.middle;
      unit.Prepare(kernel);
      kernel.Run(x + (row * x_stride + c * chunks.length) * element,
                 packed.at(panel, c * chunks.length), scratch.tile.data(), scratch.kernel.data());
    }
    const int64_t y_offset = (row * args.y_stride + column) * element;
    TileResult result;
    result.tile = scratch.tile.data();
    result.tile_stride = packed.panel_columns();
    result.rows = rows;
    result.columns = std::min(packed.panel_columns(), out - column);
    result.bias = bias_data() + column;
    result.activation = args.activation;
    result.residual =
        args.residual == nullptr ? nullptr : static_cast<const char*>(args.residual) + y_offset;
    result.y = static_cast<char*>(args.y) + y_offset;
    result.y_stride = args.y_stride;
    result.dtype = compute;
    FinishTile(result);
  };

  const int64_t task_rows = std::min(args.rows, kBlocksPerTask * kBlockRows);
  const int64_t task_multiply_adds = task_rows * packed.depth() * packed.panel_columns();
  const int64_t grain = (GrainMultiplyAdds(compute) + task_multiply_adds - 1) / task_multiply_adds;
  // A task is one panel and a group of blocks; a thread keeps to a group for as long as it can.
  context.threads().ParallelFor(
      num_groups * packed.num_panels(), grain, [&](int64_t begin, int64_t end, int) {
        Scratch scratch;
        onednn::MatrixUnit unit;
        for (int64_t task = begin; task < end; ++task) {
          const int64_t first = task / packed.num_panels() * kBlocksPerTask;
          const int64_t last = std::min(num_blocks, first + kBlocksPerTask);
          for (int64_t block = first; block < last; ++block) {
            run_tile(block, task % packed.num_panels(), unit, scratch);
          }
        }
      });
  return absl::OkStatus();
}

}  // namespace attentiond
