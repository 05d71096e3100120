// client/npy.h -- NumPy's .npy files: one tensor, read with every header byte checked, and written.
//
// Format: the magic "\x93NUMPY", a version (1.0, 2.0 or 3.0), a little-endian header length, a
// Python dict literal {'descr', 'fortran_order', 'shape'} padded with spaces to a newline, then the
// elements. Source: NumPy enhancement proposal 1 and numpy.lib.format.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/tensor.h"

namespace attentiond::client {

/// Parses the bytes of a .npy file: bool, (u)int 8 to 64, float 16, 32 and 64, little-endian,
/// C order. kInvalidArgument says what was found and what is required.
absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes);

/// Reads a file of at most `max_bytes`. kNotFound, kInvalidArgument: one line that starts with the
/// path.
absl::StatusOr<Tensor> ReadNpy(const std::string& path, int64_t max_bytes = int64_t{2} << 30);

/// The header of a version 1.0 file up to the data: a multiple of 64 bytes, and at least
/// `least_bytes`.
std::string FormatNpyHeader(DType dtype, absl::Span<const int64_t> dims, size_t least_bytes = 0);

/// The bytes of a version 1.0 file, its data 64-byte aligned as NumPy's own. bf16, which NumPy has
/// no type for, is widened to f32.
std::string FormatNpy(const TensorView& tensor);

/// Writes FormatNpy(tensor) to `path`. kUnavailable names the path and the system's reason.
absl::Status WriteNpy(const std::string& path, const TensorView& tensor);

}  // namespace attentiond::client
