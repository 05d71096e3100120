// tests/testing/safetensors_bytes.h -- safetensors files made by hand, right or wrong.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace attentiond::testing {

/// The 8 bytes of a header length, little-endian.
inline std::string HeaderLength(uint64_t length) {
  std::string bytes(8, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(length & 0xff);
    length >>= 8;
  }
  return bytes;
}

/// Header length, header, data.
inline std::string SafetensorsBytes(absl::string_view header, absl::string_view data) {
  std::string bytes = HeaderLength(header.size());
  bytes.append(header.data(), header.size());
  bytes.append(data.data(), data.size());
  return bytes;
}

}  // namespace attentiond::testing
