#include "core/ops/column_product.h"

#include "core/ops/column_product-inl.h"

namespace attentiond {
namespace {

template <int kB>
void MultiplyBy(const ColumnProduct& product, HeldSums* held) {
  auto nothing = [] {};
  int64_t tile = 0;
  for (; tile + 2 <= product.a_tiles; tile += 2) {
    HWY_NAMESPACE::MultiplyTiles<2, kB>(product, tile, held, nothing);
  }
  if (tile < product.a_tiles) HWY_NAMESPACE::MultiplyTiles<1, kB>(product, tile, held, nothing);
}

}  // namespace

void MultiplyColumns(const ColumnProduct& product, HeldSums* held) {
  if (product.b_tiles == 1) {
    MultiplyBy<1>(product, held);
  } else {
    MultiplyBy<2>(product, held);
  }
}

void StoreHeldSums(HeldSums* held) { HWY_NAMESPACE::StoreHeld(held); }

}  // namespace attentiond
