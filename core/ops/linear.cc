#include "core/ops/linear.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/isa.h"
#include "core/ops/int8_rows.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/linear_kernels.h"
#include "core/ops/packed_matrix.h"
#include "core/ops/row_kernels.h"
#include "core/ops/workspace.h"
#include "core/reference/linear.h"

namespace attentiond {

struct Linear::Impl {
  DType compute = DType::kF32;  // of the activations
  int64_t in = 0, out = 0;
  PackedMatrix packed;
  AlignedBuffer bias;  // f32 [out], zeros when the layer has none
  // [out, in], only where there are no micro-kernels.
  std::vector<float> plain;

  const float* bias_data() const { return static_cast<const float*>(bias.data()); }
  void RunReference(const Args& args, ExecutionContext& context) const;
  const void* PadDepth(const Args& args, ExecutionContext& context) const;
  absl::Status RunKernels(const Args& args, LinearProblem problem, ExecutionContext& context) const;
};

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

int64_t Linear::in_features() const { return impl_->in; }
int64_t Linear::out_features() const { return impl_->out; }
int64_t Linear::output_step() const {
  return impl_->plain.empty() ? impl_->packed.panel_columns() : 1;
}
LinearTypes Linear::types() const {
  return {impl_->compute, impl_->plain.empty() ? impl_->packed.dtype() : impl_->compute};
}
size_t Linear::packed_bytes() const {
  return impl_->packed.bytes() + impl_->bias.size() + impl_->plain.size() * sizeof(float);
}

namespace {

bool IsWeightType(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16;
}

absl::Status ValidateTypes(const LinearTypes& types, int64_t inputs) {
  const DType compute = types.activations;
  if (compute != DType::kF32 && compute != DType::kBF16) {
    return absl::InvalidArgumentError(
        absl::StrCat("compute type ", Name(compute), "; it is f32 or bf16"));
  }
  if (types.weights != DType::kI8 && types.weights != compute) {
    return absl::InvalidArgumentError(absl::StrCat("weights packed as ", Name(types.weights),
                                                   "; it is ", Name(compute), " or i8"));
  }
  if (compute == DType::kBF16 && !onednn::HasMicroKernels(compute)) {
    return absl::UnimplementedError(
        absl::StrCat("this processor (", onednn::IsaName(), ") does not multiply bf16; use f32"));
  }
  if (types.weights != DType::kI8) return absl::OkStatus();
  if (!onednn::HasMicroKernels(DType::kU8)) {
    return absl::UnimplementedError(
        absl::StrCat("this processor (", onednn::IsaName(),
                     ") does not multiply int8, which takes VNNI or AMX; use bf16 or f32"));
  }
  if (inputs > PackedMatrix::kMaxInt8Depth) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weight has ", inputs, " inputs, int8 takes at most ", PackedMatrix::kMaxInt8Depth));
  }
  return absl::OkStatus();
}

absl::Status Validate(const TensorView& weight, const TensorView& bias) {
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
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Linear> Linear::Create(TensorView weight, TensorView bias, LinearTypes types) {
  RETURN_IF_ERROR(Validate(weight, bias));
  RETURN_IF_ERROR(ValidateTypes(types, weight.shape.dim(1)));
  const DType compute = types.activations;
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
  if (types.weights == DType::kI8 || onednn::HasMicroKernels(compute)) {
    impl->packed = PackedMatrix(weight, types.weights);
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
  return impl_->RunKernels(args, Describe(args), context);
}

void Linear::Impl::RunReference(const Args& args, ExecutionContext& context) const {
  CountKernel(Kernel::kLinearReference);
  const auto inputs = static_cast<size_t>(in), first = static_cast<size_t>(args.first_output);
  const int64_t left = out - args.first_output;
  const auto outputs =
      static_cast<size_t>(args.num_outputs > 0 ? std::min(args.num_outputs, left) : left);
  const reference::LinearLayer layer{
      absl::MakeConstSpan(plain).subspan(first * inputs, outputs * inputs),
      absl::MakeConstSpan(bias_data() + first, outputs), args.activation};
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

const PackedMatrix* Linear::packed() const {
  return impl_->plain.empty() ? &impl_->packed : nullptr;
}

LinearProblem Linear::Describe(const Args& args) const {
  LinearProblem problem;
  problem.weight = &impl_->packed;
  problem.x = args.x;
  problem.x_stride = args.x_stride;
  problem.rows = args.rows;
  const int64_t step = impl_->packed.panel_columns();
  problem.first_panel = args.first_output / step;
  problem.num_panels = impl_->packed.num_panels() - problem.first_panel;
  if (args.num_outputs > 0) {
    problem.num_panels = std::min(problem.num_panels, (args.num_outputs + step - 1) / step);
  }
  problem.result.bias = impl_->bias_data();
  problem.result.activation = args.activation;
  problem.result.residual = args.residual;
  problem.result.y = args.y;
  problem.result.y_stride = args.y_stride;
  problem.result.dtype = args.y_in_f32 ? DType::kF32 : impl_->compute;
  return problem;
}

absl::Status Linear::Impl::RunKernels(const Args& args, LinearProblem problem,
                                      ExecutionContext& context) const {
  if (packed.dtype() == DType::kI8) {
    CountKernel(packed.for_matrix_unit() ? Kernel::kLinearMatrixUnitInt8
                                         : Kernel::kLinearMicroKernelInt8);
    const Int8Rows quantized = QuantizeRows({.x = args.x,
                                             .dtype = compute,
                                             .x_stride = args.x_stride,
                                             .rows = args.rows,
                                             .width = in,
                                             .depth = packed.depth(),
                                             .for_matrix_unit = packed.for_matrix_unit()},
                                            context);
    problem.x = quantized.values;
    problem.x_stride = packed.depth();
    problem.row_scales = quantized.scales;
  } else {
    CountKernel(packed.for_matrix_unit()  ? Kernel::kLinearMatrixUnitBF16
                : compute == DType::kBF16 ? Kernel::kLinearMicroKernelBF16
                                          : Kernel::kLinearMicroKernelF32);
    if (packed.depth() != in) {
      problem.x = PadDepth(args, context);
      problem.x_stride = packed.depth();
    }
  }
  if (!packed.for_matrix_unit()) return RunLinearOnMicroKernels(problem, context);
  RunLinearOnMatrixUnit(problem, context);
  return absl::OkStatus();
}

}  // namespace attentiond
