// core/vision/resample.cc -- weights for each place, then two passes of integer sums.
#include "core/vision/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace attentiond {
namespace {

constexpr double kPi = 3.14159265358979323846;

double Sinc(double x) { return x == 0 ? 1 : std::sin(x * kPi) / (x * kPi); }

double Bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

double Hamming(double x) {
  x = std::fabs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= kPi;
  return std::sin(x) / x * (0.54 + 0.46 * std::cos(x));
}

double Evaluate(Resampling filter, double x) {
  switch (filter) {
    case Resampling::kLanczos:
      return x >= -3 && x < 3 ? Sinc(x) * Sinc(x / 3) : 0;
    case Resampling::kBilinear:
      return std::max(0.0, 1 - std::fabs(x));
    case Resampling::kBicubic:
      return Bicubic(x);
    case Resampling::kBox:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case Resampling::kHamming:
      return Hamming(x);
    case Resampling::kNearest:
      break;
  }
  return 0;
}

/// Where the filter ends, in pixels of the larger of the two scales.
double SupportOf(Resampling filter) {
  switch (filter) {
    case Resampling::kLanczos:
      return 3;
    case Resampling::kBicubic:
      return 2;
    case Resampling::kBilinear:
    case Resampling::kHamming:
      return 1;
    case Resampling::kBox:
    case Resampling::kNearest:
      break;
  }
  return 0.5;
}

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t ToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, int32_t{0}, int32_t{255}));
}

/// For each place of the result the places that it is made of, and their weights.
struct Taps {
  struct Place {
    int64_t first = 0, count = 0;
    size_t weights = 0;  ///< where they begin
  };
  std::vector<Place> places;
  std::vector<int32_t> weights;
};

Taps MakeTaps(int64_t from, int64_t to, Resampling filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double filter_scale = std::max(scale, 1.0), inverse = 1.0 / filter_scale;
  const double support = SupportOf(filter) * filter_scale;
  Taps taps;
  std::vector<double> exact;
  for (int64_t place = 0; place < to; ++place) {
    const double center = (static_cast<double>(place) + 0.5) * scale;
    // Both truncated towards zero, as the definition of the reference has it.
    const int64_t first = std::max(static_cast<int64_t>(center - support + 0.5), int64_t{0});
    const int64_t end = std::min(static_cast<int64_t>(center + support + 0.5), from);
    exact.clear();
    double sum = 0;
    for (int64_t x = 0; x < end - first; ++x) {
      exact.push_back(Evaluate(filter, (static_cast<double>(x + first) - center + 0.5) * inverse));
      sum += exact.back();
    }
    taps.places.push_back({first, end - first, taps.weights.size()});
    for (double weight : exact) {
      if (sum != 0) weight /= sum;
      const double scaled = weight * (1 << kWeightBits);
      taps.weights.push_back(static_cast<int32_t>(scaled + (weight < 0 ? -0.5 : 0.5)));
    }
  }
  return taps;
}

RgbImage ResizeRows(const RgbImage& image, int64_t width, Resampling filter) {
  const Taps taps = MakeTaps(image.width, width, filter);
  RgbImage result(width, image.height);
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* const row = image.row(y);
    uint8_t* to = result.row(y);
    for (const Taps::Place& place : taps.places) {
      const int32_t* const weights = taps.weights.data() + place.weights;
      const uint8_t* from = row + place.first * 3;
      int32_t sums[3] = {kHalf, kHalf, kHalf};
      for (int64_t tap = 0; tap < place.count; ++tap, from += 3) {
        for (int c = 0; c < 3; ++c) sums[c] += weights[tap] * from[c];
      }
      for (int c = 0; c < 3; ++c) *to++ = ToByte(sums[c]);
    }
  }
  return result;
}

RgbImage ResizeColumns(const RgbImage& image, int64_t height, Resampling filter) {
  const Taps taps = MakeTaps(image.height, height, filter);
  RgbImage result(image.width, height);
  const auto bytes = static_cast<size_t>(image.width * 3);
  std::vector<int32_t> sums(bytes);
  for (int64_t y = 0; y < height; ++y) {
    const Taps::Place& place = taps.places[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int64_t tap = 0; tap < place.count; ++tap) {
      const int32_t weight = taps.weights[place.weights + static_cast<size_t>(tap)];
      const uint8_t* const row = image.row(place.first + tap);
      for (size_t i = 0; i < bytes; ++i) sums[i] += weight * row[i];
    }
    uint8_t* const to = result.row(y);
    for (size_t i = 0; i < bytes; ++i) to[i] = ToByte(sums[i]);
  }
  return result;
}

/// The place of the original that each place of the result takes. The position is summed up, as the
/// reference does: its roundings decide where the two are a power of two apart.
std::vector<int64_t> NearestPlaces(int64_t from, int64_t to) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  std::vector<int64_t> places;
  double position = step * 0.5;
  for (int64_t place = 0; place < to; ++place, position += step) {
    places.push_back(std::min(static_cast<int64_t>(position), from - 1));
  }
  return places;
}

RgbImage ResizeNearest(const RgbImage& image, int64_t width, int64_t height) {
  const std::vector<int64_t> columns = NearestPlaces(image.width, width);
  const std::vector<int64_t> rows = NearestPlaces(image.height, height);
  RgbImage result(width, height);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* const row = image.row(rows[static_cast<size_t>(y)]);
    uint8_t* to = result.row(y);
    for (const int64_t x : columns) to = std::copy_n(row + 3 * x, 3, to);
  }
  return result;
}

/// As Pillow 13 chooses: when the height shrinks by more than twice as much as the width. Earlier
/// ones always begin with rows, and round differently here.
bool ColumnsComeFirst(const RgbImage& image, int64_t width, int64_t height) {
  return height < image.height && image.height - height > 2 * (image.width - width);
}

}  // namespace

RgbImage Resize(const RgbImage& image, int64_t width, int64_t height, Resampling filter) {
  if (width == image.width && height == image.height) return image;
  if (filter == Resampling::kNearest) return ResizeNearest(image, width, height);
  if (height == image.height) return ResizeRows(image, width, filter);
  if (width == image.width) return ResizeColumns(image, height, filter);
  if (ColumnsComeFirst(image, width, height)) {
    return ResizeRows(ResizeColumns(image, height, filter), width, filter);
  }
  return ResizeColumns(ResizeRows(image, width, filter), height, filter);
}

}  // namespace attentiond
