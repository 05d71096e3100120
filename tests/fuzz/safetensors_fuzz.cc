// tests/fuzz/safetensors_fuzz.cc -- any bytes as the header of a safetensors file.
//
// Input: two bytes, how long the data section is (little-endian), then the header. Whatever is
// accepted must tile the data section, and every byte of every tensor must be readable.
#include <cstdint>
#include <vector>

#include "core/base/check.h"
#include "core/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  if (size < 2) return 0;
  const size_t data_bytes = input[0] | static_cast<size_t>(input[1]) << 8;
  const std::vector<uint8_t> data(data_bytes, 1);  // of that very size, so that ASan sees its end
  const auto tensors = attentiond::SafetensorsFile::ParseHeader(
      {reinterpret_cast<const char*>(input) + 2, size - 2}, data.data(), data.size());
  if (!tensors.ok()) {
    ATTENTIOND_CHECK(tensors.status().code() == absl::StatusCode::kInvalidArgument);
    ATTENTIOND_CHECK(tensors.status().message().find('\n') == absl::string_view::npos);
    return 0;
  }
  size_t sum = 0;  // of bytes that are all one: their number
  for (const auto& [name, tensor] : *tensors) {
    const auto* bytes = static_cast<const uint8_t*>(tensor.data);
    for (size_t i = 0; i < tensor.num_bytes(); ++i) sum += bytes[i];
  }
  ATTENTIOND_CHECK(sum == data_bytes);
  return 0;
}
