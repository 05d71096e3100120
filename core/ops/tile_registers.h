// core/ops/tile_registers.h -- the matrix unit's (AMX) eight tile registers. Private to core/ops.
//
// A register holds up to 16 rows of 64 bytes. The instructions are written as assembly, because
// compilers offer them only to code that they may compile for such processors alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace attentiond {

/// The calling thread's tile registers, for a scope. Only where onednn::HasMatrixTiles(), which has
/// also asked the operating system for them.
class TileRegisters {
 public:
  static constexpr int64_t kRows = 16;
  static constexpr int64_t kRowBytes = 64;

  TileRegisters() = default;
  ~TileRegisters() {
    if (first_rows_ > 0) asm volatile("tilerelease");
  }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

  /// Registers 0 to 2 and 6 get `first` rows, 3 to 5 `second` rows, 7 has 16. When that changes
  /// anything their contents are lost. Comes before everything else.
  void SetRows(int64_t first, int64_t second) {
    if (first == first_rows_ && second == second_rows_) return;
    first_rows_ = first;
    second_rows_ = second;
    Shapes shapes;
    shapes.rows.fill(static_cast<uint8_t>(first));
    std::fill_n(shapes.rows.begin() + 3, 3, static_cast<uint8_t>(second));
    shapes.rows[7] = kRows;
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  void SetRows(int64_t rows) { SetRows(rows, rows); }

  template <int kRegister>
  static void Zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kRegister));
  }
  /// `stride` is in bytes between rows.
  template <int kRegister>
  static void Load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(from), "r"(stride), "i"(kRegister)
                 : "memory");
  }
  /// Of what will not be read again soon: leaves the first-level cache to the rest.
  template <int kRegister>
  static void LoadOnce(const void* from, int64_t stride) {
    asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(from), "r"(stride), "i"(kRegister)
                 : "memory");
  }
  template <int kRegister>
  static void Store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)"
                 :
                 : "r"(to), "r"(stride), "i"(kRegister)
                 : "memory");
  }
  /// Register C [rows, 16] of f32 += A [rows, 32] B [16, 16, 2] of bf16.
  template <int kC, int kA, int kB>
  static void MultiplyBF16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
  }
  /// Register C [rows, 16] of i32 += A [rows, 64] of u8, B [16, 16, 4] of i8.
  template <int kC, int kA, int kB>
  static void MultiplyBytes() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
  }

 private:
  // As the processor reads them.
  struct alignas(64) Shapes {
    Shapes() { row_bytes.fill(kRowBytes); }
    uint8_t palette = 1;
    uint8_t start_row = 0;
    std::array<uint8_t, 14> reserved{};
    std::array<uint16_t, 8> row_bytes;
    std::array<uint16_t, 8> more_reserved{};
    std::array<uint8_t, 8> rows{};
    std::array<uint8_t, 8> still_reserved{};
  };
  static_assert(sizeof(Shapes) == 64);

  int64_t first_rows_ = 0, second_rows_ = 0;  // 0: not set yet
};

}  // namespace attentiond
