// core/ops/row_kernels.h -- vectorised work on rows of floats, for the instruction set found at run
// time. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/tensor/activation_kind.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// Adds row `x` of f32, bf16 or f16, times `scale`, to `sum`.
void AddRow(const void* x, DType dtype, float scale, int64_t size, float* sum);

/// Stores `x` as `dtype` (f32, bf16 or f16), rounded to nearest even.
void StoreRow(const float* x, int64_t size, DType dtype, void* y);

/// y = x in f32; x is f32, bf16 or f16.
void LoadRow(const void* x, DType dtype, int64_t size, float* y);

/// Activates f32 or bf16 values in place.
void ActivateRow(Activation activation, DType dtype, int64_t size, void* values);

/// y *= x; both of f32 or bf16.
void MultiplyRow(const void* x, DType dtype, int64_t size, void* y);

/// Rotates one head, `size` channels of f32 or bf16, as Rotate() says; `rotations` [size].
void RotateRow(DType dtype, int64_t size, const float* rotations, void* values);

/// One row of a layer normalisation.
struct NormRow {
  const void* x = nullptr;  ///< [width], f32 or bf16
  void* y = nullptr;        ///< [width], the same type; may be x
  DType dtype = DType::kF32;
  int64_t width = 0;
  const float* gamma = nullptr;  ///< [width]
  const float* beta = nullptr;   ///< [width]
  float epsilon = 0;
  bool subtract_mean = true;
};
void NormalizeRow(const NormRow& row);

/// What becomes of a tile of sums: y = activation(tile + bias) + residual.
struct TileResult {
  const float* tile = nullptr;  ///< [rows, columns] at tile_stride
  int64_t tile_stride = 0;
  int64_t rows = 0, columns = 0;
  const float* bias = nullptr;  ///< [columns]
  Activation activation = Activation::kNone;
  const void* residual = nullptr;  ///< [rows, columns] at y_stride; nullptr: none; may be y
  void* y = nullptr;               ///< [rows, columns] at y_stride
  int64_t y_stride = 0;
  DType dtype = DType::kF32;  ///< of residual and y: f32 or bf16

  /// Leaves out the first `count` rows.
  void SkipRows(int64_t count) {
    const int64_t bytes = count * y_stride * static_cast<int64_t>(ByteSize(dtype));
    tile += count * tile_stride;
    if (residual != nullptr) residual = static_cast<const char*>(residual) + bytes;
    y = static_cast<char*>(y) + bytes;
    rows -= count;
  }
  /// Goes on to the `count` columns after these.
  void NextColumns(int64_t count) {
    const int64_t bytes = columns * static_cast<int64_t>(ByteSize(dtype));
    bias += columns;
    if (residual != nullptr) residual = static_cast<const char*>(residual) + bytes;
    y = static_cast<char*>(y) + bytes;
    columns = count;
  }
};
void FinishTile(const TileResult& result);

/// Finishes the first `count` rows of `result` and leaves them out of it.
using FinishRows = void (*)(int64_t count, TileResult* result);
/// The function for an activation and a type; FinishTile() chooses anew each time.
FinishRows ChooseFinishRows(Activation activation, DType dtype);

}  // namespace attentiond
