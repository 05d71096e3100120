// core/ops/column_product-inl.h -- products of attention's tiles, while something else is computed.
//
// Included once per instruction set.
#if defined(ATTENTIOND_OPS_COLUMN_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTENTIOND_OPS_COLUMN_PRODUCT_INL_H_
#undef ATTENTIOND_OPS_COLUMN_PRODUCT_INL_H_
#else
#define ATTENTIOND_OPS_COLUMN_PRODUCT_INL_H_
#endif

#include "core/ops/column_product.h"
#include "core/ops/tile_registers.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attentiond {
namespace HWY_NAMESPACE {

HWY_INLINE void StoreHeld(HeldSums* held) {
  using Tile = TileRegisters;
  const TileSums& sums = held->sums;
  if (held->a_tiles == 0) return;
  Tile::Store<0>(sums.at(0, 0), Tile::kRowBytes);
  if (held->b_tiles > 1) Tile::Store<1>(sums.at(0, 1), Tile::kRowBytes);
  if (held->a_tiles > 1) {
    Tile::Store<2>(sums.at(1, 0), Tile::kRowBytes);
    if (held->b_tiles > 1) Tile::Store<3>(sums.at(1, 1), Tile::kRowBytes);
  }
  held->a_tiles = 0;
}

// A register for the sums of one pair of tiles, when it had those of two by two tiles: they are
// stored, unless `had` is empty.
template <int kSum>
HWY_INLINE void BeginSum(bool zero, const TileSums& c, const TileSums& had) {
  using Tile = TileRegisters;
  constexpr int64_t kA = kSum / 2, kB = kSum % 2;
  if (had.data != nullptr) Tile::Store<kSum>(had.at(kA, kB), Tile::kRowBytes);
  if (zero) {
    Tile::Zero<kSum>();
  } else {
    Tile::Load<kSum>(c.at(kA, kB), Tile::kRowBytes);
  }
}

// kA tiles of A, from a tile of it, by kB of B; their sums are held. Registers 0 to 3 are the sums,
// two of B for a tile of A; 4 and 5 hold tiles of A, 6 and 7 tiles of B. meanwhile() is computed
// after each multiplication has been asked for.
template <int kA, int kB, typename Meanwhile>
HWY_INLINE void MultiplyTiles(const ColumnProduct& product, int64_t a_tile, HeldSums* held,
                              Meanwhile& meanwhile) {
  using Tile = TileRegisters;
  constexpr bool kTwoA = kA > 1, kTwoB = kB > 1;
  static_assert(kA <= 2 && kB <= 2);
  if (held->a_tiles * held->b_tiles < 4) StoreHeld(held);
  const TileSums had = held->a_tiles == 0 ? TileSums() : held->sums;
  const TileSums c = {product.c.at(a_tile, 0), product.c.a_stride, product.c.b_stride};
  const bool zero = product.zero;
  const int64_t a_step = product.a.step, a_next = product.a.next;
  const int64_t b_step = product.b.step, b_next = product.b.next, depth = product.depth;
  const char *a = product.a.data + a_tile * a_next, *b = product.b.data;

  Tile::LoadOnce<4>(a, Tile::kRowBytes);
  Tile::Load<6>(b, Tile::kRowBytes);
  if constexpr (kTwoB) Tile::Load<7>(b + b_next, Tile::kRowBytes);
  if constexpr (kTwoA) Tile::LoadOnce<5>(a + a_next, Tile::kRowBytes);
  BeginSum<0>(zero, c, had);
  Tile::MultiplyBF16<0, 4, 6>();
  meanwhile();
  if constexpr (kTwoB) {
    BeginSum<1>(zero, c, had);
    Tile::MultiplyBF16<1, 4, 7>();
    meanwhile();
  }
  if constexpr (kTwoA) {
    BeginSum<2>(zero, c, had);
    Tile::MultiplyBF16<2, 5, 6>();
    meanwhile();
  }
  if constexpr (kTwoA && kTwoB) {
    BeginSum<3>(zero, c, had);
    Tile::MultiplyBF16<3, 5, 7>();
    meanwhile();
  }
  if (had.data != nullptr) {  // what these sums have not taken the place of
    if constexpr (!kTwoB) Tile::Store<1>(had.at(0, 1), Tile::kRowBytes);
    if constexpr (!kTwoA) Tile::Store<2>(had.at(1, 0), Tile::kRowBytes);
    if constexpr (!kTwoA || !kTwoB) Tile::Store<3>(had.at(1, 1), Tile::kRowBytes);
  }
  for (int64_t d = 1; d < depth; ++d) {
    a += a_step, b += b_step;
    Tile::LoadOnce<4>(a, Tile::kRowBytes);
    Tile::Load<6>(b, Tile::kRowBytes);
    Tile::MultiplyBF16<0, 4, 6>();
    meanwhile();
    if constexpr (kTwoB) {
      Tile::Load<7>(b + b_next, Tile::kRowBytes);
      Tile::MultiplyBF16<1, 4, 7>();
      meanwhile();
    }
    if constexpr (kTwoA) {
      Tile::LoadOnce<5>(a + a_next, Tile::kRowBytes);
      Tile::MultiplyBF16<2, 5, 6>();
      meanwhile();
    }
    if constexpr (kTwoA && kTwoB) {
      Tile::MultiplyBF16<3, 5, 7>();
      meanwhile();
    }
  }
  *held = {.sums = c, .a_tiles = kA, .b_tiles = kB};
}

}  // namespace HWY_NAMESPACE
}  // namespace attentiond
HWY_AFTER_NAMESPACE();

#endif
