#include "core/onednn/micro_kernel.h"

#include <array>
#include <oneapi/dnnl/dnnl_ukernel.hpp>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/status_macros.h"
#include "core/onednn/error.h"
#include "core/onednn/isa.h"

namespace attentiond::onednn {
namespace {

// The shapes of the tile registers, as the processor stores them.
using TileShapes = std::array<uint8_t, 64>;

// oneDNN makes integer kernels elsewhere too, out of instructions that saturate at 16 bits.
bool MultipliesBytesExactly() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has_all_of = [isa](dnnl::cpu_isa wanted) {
    return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
  };
  return has_all_of(dnnl::cpu_isa::avx2_vnni) || has_all_of(dnnl::cpu_isa::avx512_core_vnni);
}

// The types of A, B and C.
struct OperandTypes {
  dnnl::memory::data_type a, b, c;
};

absl::StatusOr<OperandTypes> TypesFor(DType dtype) {
  using Type = dnnl::memory::data_type;
  switch (dtype) {
    case DType::kF32:
      return OperandTypes{Type::f32, Type::f32, Type::f32};
    case DType::kBF16:
      return OperandTypes{Type::bf16, Type::bf16, Type::f32};
    case DType::kU8:
      if (MultipliesBytesExactly()) return OperandTypes{Type::u8, Type::s8, Type::s32};
      return absl::UnimplementedError("oneDNN micro-kernel: integers need VNNI or AMX");
    default:
      return absl::UnimplementedError(
          absl::StrCat("oneDNN micro-kernel: type ", Name(dtype), "; f32, bf16 and u8 have one"));
  }
}

TileShapes StoreTileShapes() {
  TileShapes shapes{};
  // Not _tile_storeconfig(): gcc 12 does not know that it writes.
  asm volatile("sttilecfg %0" : "=m"(shapes));
  return shapes;
}

// A batch of one multiplication, at A and B themselves.
const std::vector<std::pair<dnnl::memory::dim, dnnl::memory::dim>>& NoOffsets() {
  static const auto* const offsets =
      new std::vector<std::pair<dnnl::memory::dim, dnnl::memory::dim>>{{0, 0}};
  return *offsets;
}

}  // namespace

struct MicroKernel::Impl {
  dnnl::ukernel::brgemm brgemm;
  bool uses_tiles = false;
  TileShapes tile_shapes{};
};

MicroKernel::MicroKernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MicroKernel::MicroKernel(MicroKernel&&) noexcept = default;
MicroKernel& MicroKernel::operator=(MicroKernel&&) noexcept = default;
MicroKernel::~MicroKernel() = default;

absl::StatusOr<MicroKernel> MicroKernel::Create(const MicroKernelShape& shape) {
  using dnnl::ukernel::pack_type;
  ASSIGN_OR_RETURN(const OperandTypes types, TypesFor(shape.dtype));
  MicroKernel kernel(std::make_unique<Impl>());
  Impl& impl = *kernel.impl_;
  pack_type packing = pack_type::undef;
  size_t scratch_bytes = 0;
  const int64_t b_stride = shape.b_stride == 0 ? shape.columns : shape.b_stride;
  const absl::Status status = Guard("oneDNN micro-kernel", [&] {
    impl.brgemm =
        dnnl::ukernel::brgemm(shape.rows, shape.columns, shape.depth, /*batch_size=*/1,
                              shape.a_stride, b_stride, shape.c_stride, types.a, types.b, types.c);
    impl.brgemm.set_add_C(shape.accumulate);
    impl.brgemm.finalize();
    packing = impl.brgemm.get_B_pack_type();
    scratch_bytes = impl.brgemm.get_scratchpad_size();
    impl.brgemm.generate();
  });
  if (!status.ok()) return status;
  if (packing != (BGroup(shape.dtype) > 1 ? pack_type::pack32 : pack_type::no_trans)) {
    return absl::UnimplementedError("oneDNN micro-kernel: another layout of B than expected");
  }
  if (scratch_bytes > kScratchBytes) {
    return absl::InternalError(absl::StrCat("oneDNN micro-kernel: wants ", scratch_bytes,
                                            " bytes of scratch, more than ", kScratchBytes));
  }
  impl.uses_tiles = shape.dtype != DType::kF32 && HasMatrixTiles();
  if (impl.uses_tiles) {
    impl.brgemm.set_hw_context();
    impl.tile_shapes = StoreTileShapes();
    dnnl::ukernel::brgemm::release_hw_context();
  }
  return kernel;
}

void MicroKernel::Run(const void* a, const void* b, void* c, void* scratch) const {
  // The C function, because nothing here can fail but by a mistake of the caller.
  ATTENTIOND_CHECK(dnnl_brgemm_execute(impl_->brgemm.get(), a, b,
                                       reinterpret_cast<const dnnl_dim_t*>(NoOffsets().data()), c,
                                       scratch) == dnnl_success);
}

void MatrixUnit::Prepare(const MicroKernel& kernel) {
  if (!kernel.impl_->uses_tiles) return;
  if (prepared_ == nullptr || prepared_->impl_->tile_shapes != kernel.impl_->tile_shapes) {
    kernel.impl_->brgemm.set_hw_context();
  }
  prepared_ = &kernel;
}

MatrixUnit::~MatrixUnit() {
  if (prepared_ != nullptr) dnnl::ukernel::brgemm::release_hw_context();
}

}  // namespace attentiond::onednn
