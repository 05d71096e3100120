// core/onednn/micro_kernel.h -- small matrix multiplications out of oneDNN's code generator.
//
// A micro-kernel is sequential machine code for one shape: C[rows, columns] (+)= A B. Loops,
// threads, packing and everything done to C are the caller's. Why not oneDNN's matmul primitive:
// docs/adr/0007-micro-kernels.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "core/tensor/dtype.h"

namespace attentiond::onednn {

/// What one micro-kernel multiplies; strides in elements.
struct MicroKernelShape {
  int64_t rows = 0, columns = 0, depth = 0;
  int64_t a_stride = 0;       ///< between the rows of A [rows, depth]
  int64_t b_stride = 0;       ///< between the groups of rows of B, in columns; 0: dense
  int64_t c_stride = 0;       ///< between the rows of C [rows, columns]
  DType dtype = DType::kF32;  ///< of A: kF32 or kBF16, then B has it too and C is f32; or kU8, then
                              ///< B is i8 and C i32 (exact, modulo 2^32)
  bool accumulate = false;    ///< C += A B instead of C = A B

  friend bool operator==(const MicroKernelShape& x, const MicroKernelShape& y) {
    return x.rows == y.rows && x.columns == y.columns && x.depth == y.depth &&
           x.a_stride == y.a_stride && x.b_stride == y.b_stride && x.c_stride == y.c_stride &&
           x.dtype == y.dtype && x.accumulate == y.accumulate;
  }
  template <typename H>
  friend H AbslHashValue(H h, const MicroKernelShape& shape) {
    return H::combine(std::move(h), shape.rows, shape.columns, shape.depth, shape.a_stride,
                      shape.b_stride, shape.c_stride, shape.dtype, shape.accumulate);
  }
};

/// B's rows come in groups of so many, their elements side by side: B is
/// [depth / B group][columns][B group]. `depth` is a multiple of it.
constexpr int64_t BGroup(DType dtype) { return 4 / static_cast<int64_t>(ByteSize(dtype)); }

/// Immutable machine code; any number of threads may run it at once.
class MicroKernel {
 public:
  /// kUnimplemented: this processor has no kernel for the type, or none that is right: integer
  /// kernels without VNNI or AMX saturate halfway through their sums. Takes 0.02 to 0.5 ms.
  static absl::StatusOr<MicroKernel> Create(const MicroKernelShape& shape);

  MicroKernel(MicroKernel&&) noexcept;
  MicroKernel& operator=(MicroKernel&&) noexcept;
  ~MicroKernel();

  /// What Run() may need of `scratch`: a matrix unit's eight registers.
  static constexpr size_t kScratchBytes = 8 * 1024;

  /// Multiplies. `scratch` has kScratchBytes, on a cache line, and is this thread's. The thread's
  /// MatrixUnit must have been prepared for this kernel.
  void Run(const void* a, const void* b, void* c, void* scratch) const;

 private:
  friend class MatrixUnit;
  struct Impl;
  explicit MicroKernel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The calling thread's matrix registers (AMX tiles), for a scope. On processors without them
/// everything here is free. The registers' shapes are per-thread state that a kernel needs; setting
/// them takes 0.25 us even when they do not change, hence Prepare() compares first.
class MatrixUnit {
 public:
  MatrixUnit() = default;
  ~MatrixUnit();
  MatrixUnit(const MatrixUnit&) = delete;
  MatrixUnit& operator=(const MatrixUnit&) = delete;

  /// Call before `kernel` runs, when another one ran since.
  void Prepare(const MicroKernel& kernel);

 private:
  const MicroKernel* prepared_ = nullptr;
};

}  // namespace attentiond::onednn
