// tests/testing/png_file.h -- PNG files made by hand, valid or not.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace attentiond::testing {

inline std::string BigEndian32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

/// Length, kind, data and checksum.
inline std::string PngChunk(absl::string_view kind, absl::string_view data) {
  const std::string body = absl::StrCat(kind, data);
  const uLong sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return absl::StrCat(BigEndian32(static_cast<uint32_t>(data.size())), body,
                      BigEndian32(static_cast<uint32_t>(sum)));
}

inline std::string PngHeader(uint32_t width, uint32_t height, char depth, char color) {
  std::string data = absl::StrCat(BigEndian32(width), BigEndian32(height));
  data.append({depth, color, 0, 0, 0});
  return absl::StrCat("\x89PNG\r\n\x1a\n", PngChunk("IHDR", data));
}

inline std::string Deflated(absl::string_view data) {
  std::string bytes(compressBound(data.size()), '\0');
  uLongf size = bytes.size();
  compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
            reinterpret_cast<const Bytef*>(data.data()), data.size(), 9);
  bytes.resize(size);
  return bytes;
}

/// A picture of one grey: 8 bits a pixel. `before` are chunks that come before its data.
inline std::string GreyPng(uint32_t width, uint32_t height, char grey,
                           absl::string_view before = "") {
  const std::string row = absl::StrCat(std::string(1, '\0'), std::string(width, grey));
  std::string rows;
  for (uint32_t y = 0; y < height; ++y) rows += row;
  return absl::StrCat(PngHeader(width, height, 8, 0), before, PngChunk("IDAT", Deflated(rows)),
                      PngChunk("IEND", ""));
}

}  // namespace attentiond::testing
