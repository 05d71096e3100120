// core/ops/int8_kernels.h -- vectorised quantisation of rows, and what becomes of sums of 8-bit
// products, for the instruction set found at run time. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/tensor/activation_kind.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// What a quantised row has for zero: reference::Quantize()'s values are stored as u8, 128 larger,
/// because only u8 x s8 is multiplied right on every processor that multiplies bytes.
inline constexpr uint8_t kInt8Zero = 128;
/// Quantised rows are whole pieces of so many bytes: what the matrix unit takes of a row at once.
inline constexpr int64_t kInt8Piece = 64;

/// reference::Quantize() of a row of f32 or bf16: returns the scale, and writes the row's pieces at
/// `q`, `q` + `piece_stride`..., the last one filled up with zeros. Inside a piece the values are
/// in an order of the processor's liking, always the same: products of two such rows do not mind.
float QuantizeRow(const void* x, DType dtype, int64_t size, uint8_t* q,
                  int64_t piece_stride = kInt8Piece);

/// Sums of products of a quantised x and quantised weights, and what becomes of them:
/// y = activation(sum * scale of the row * scale of the column + bias) + residual.
struct Int8Sums {
  const int32_t* sums = nullptr;  ///< [rows, columns] at sums_stride, which is a multiple of 16
  int64_t sums_stride = 0;
  int64_t rows = 0, columns = 0;
  const float* row_scales = nullptr;     ///< [rows]
  const float* column_scales = nullptr;  ///< [columns], readable up to a multiple of 16
  const float* bias = nullptr;           ///< [columns]
  const void* residual = nullptr;        ///< [rows, columns] at y_stride; nullptr: none; may be y
  void* y = nullptr;                     ///< [rows, columns] at y_stride
  int64_t y_stride = 0;
  DType dtype = DType::kF32;  ///< of residual and y: f32 or bf16

  /// Goes on to the `count` columns after these.
  void NextColumns(int64_t count) {
    const int64_t bytes = columns * static_cast<int64_t>(ByteSize(dtype));
    column_scales += columns;
    bias += columns;
    if (residual != nullptr) residual = static_cast<const char*>(residual) + bytes;
    y = static_cast<char*>(y) + bytes;
    columns = count;
  }
};

/// Finishes `count` rows from `first`.
using FinishInt8Rows = void (*)(const Int8Sums& sums, int64_t first, int64_t count);
/// The function for an activation and a type of y.
FinishInt8Rows ChooseFinishInt8Rows(Activation activation, DType dtype);

}  // namespace attentiond
