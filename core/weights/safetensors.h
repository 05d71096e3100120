// core/weights/safetensors.h -- one .safetensors file, mapped read-only, every field of its header
// checked.
//
// Format: 8 bytes little-endian header length, a JSON object {name: {dtype, shape, data_offsets}},
// then the data. Source: the format description of huggingface/safetensors.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// Tensors of one file. Views borrow the mapping and live as long as the file object.
///
/// Layout    Tensors lie where the file puts them: `data` may be aligned to nothing, not even the
///           element. Copy or pack; do not hand it to code that wants alignment.
/// Lifetime  The mapping reads through to the file. Somebody who truncates or rewrites the file in
///           place while it is mapped ends the process with SIGBUS or changes the weights: replace
///           a file by renaming a new one over it. Models pack their weights when they load and
///           drop the file then, so the window is the load.
/// Threads   Immutable.
class SafetensorsFile {
 public:
  /// kNotFound: no such file. kInvalidArgument: one line with the path and what is wrong: too
  /// short, header length past the end or over 100 MB, bad JSON, unknown dtype, negative or
  /// overflowing shape, offsets out of range, reversed, overlapping, leaving a gap, or not matching
  /// shape x dtype; duplicate names.
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);

  /// Parses a header (without the 8 length bytes) for a data section of `data_bytes` bytes at
  /// `data`. What Open() and the fuzzer call; the views borrow `data`.
  static absl::StatusOr<std::map<std::string, TensorView>> ParseHeader(absl::string_view header,
                                                                       const void* data,
                                                                       size_t data_bytes);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::string& path() const { return path_; }

  ~SafetensorsFile();

 private:
  SafetensorsFile() = default;
  std::string path_;
  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace attentiond
