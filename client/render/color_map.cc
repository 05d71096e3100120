#include "client/render/color_map.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/types/span.h"

namespace attentiond::client {
namespace {

// Stops at equal distances; interpolated in sRGB, which is close enough between neighbours.
constexpr Rgb kHeatStops[] = {{0xf6, 0xf4, 0xec}, {0xcf, 0xe6, 0xd4}, {0x87, 0xc8, 0xc0},
                              {0x41, 0x99, 0xb0}, {0x2f, 0x62, 0x98}, {0x2b, 0x23, 0x62}};
constexpr Rgb kEffectStops[] = {{0x9a, 0x3d, 0x06}, {0xe3, 0x85, 0x36}, {0xf7, 0xc9, 0x98},
                                {0xf6, 0xf4, 0xec}, {0xb5, 0xd2, 0xee}, {0x4c, 0x90, 0xcf},
                                {0x14, 0x4a, 0x8c}};
constexpr Rgb kDarkEffectStops[] = {{0xff, 0xb4, 0x66}, {0xc9, 0x73, 0x28}, {0x6b, 0x41, 0x22},
                                    {0x2a, 0x28, 0x36}, {0x24, 0x4a, 0x72}, {0x3f, 0x86, 0xc6},
                                    {0x92, 0xcb, 0xff}};

uint8_t Mix(uint8_t a, uint8_t b, double fraction) {
  return static_cast<uint8_t>(std::lround(a + (b - a) * fraction));
}

// Values outside [0, 1] and NaN are clamped.
Rgb Interpolate(absl::Span<const Rgb> stops, double value) {
  if (!(value > 0)) return stops.front();  // also NaN
  if (value >= 1) return stops.back();
  const double position = value * static_cast<double>(stops.size() - 1);
  const auto stop = static_cast<size_t>(position);
  const double fraction = position - static_cast<double>(stop);
  const Rgb &low = stops[stop], &high = stops[stop + 1];
  return {Mix(low.red, high.red, fraction), Mix(low.green, high.green, fraction),
          Mix(low.blue, high.blue, fraction)};
}

// [-1, 1] to [0, 1].
double UnitFromSigned(double value) { return std::isnan(value) ? 0.5 : (value + 1) / 2; }

// WCAG 2.1, "relative luminance".
double Luminance(Rgb color) {
  const auto linear = [](uint8_t channel) {
    const double s = channel / 255.0;
    return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

int SquaredDistance(Rgb a, Rgb b) {
  const int red = a.red - b.red, green = a.green - b.green, blue = a.blue - b.blue;
  return red * red + green * green + blue * blue;
}

}  // namespace

Rgb HeatColor(double value) { return Interpolate(kHeatStops, value); }

Rgb EffectColor(double value) { return Interpolate(kEffectStops, UnitFromSigned(value)); }

Rgb EffectColorOnDark(double value) { return Interpolate(kDarkEffectStops, UnitFromSigned(value)); }

double ContrastRatio(Rgb a, Rgb b) {
  const double first = Luminance(a) + 0.05, second = Luminance(b) + 0.05;
  return std::max(first, second) / std::min(first, second);
}

Rgb TextColorOn(Rgb background) {
  constexpr Rgb kBlack{0, 0, 0}, kWhite{255, 255, 255};
  return ContrastRatio(background, kBlack) >= ContrastRatio(background, kWhite) ? kBlack : kWhite;
}

std::string HexColor(Rgb color) {
  return absl::StrFormat("#%02x%02x%02x", color.red, color.green, color.blue);
}

int NearestAnsi256(Rgb color) {
  constexpr std::array<uint8_t, 6> kLevels = {0, 95, 135, 175, 215, 255};
  const auto nearest_level = [&](uint8_t channel) {
    size_t best = 0;
    for (size_t level = 1; level < kLevels.size(); ++level) {
      if (std::abs(kLevels[level] - channel) < std::abs(kLevels[best] - channel)) best = level;
    }
    return best;
  };
  const size_t red = nearest_level(color.red), green = nearest_level(color.green),
               blue = nearest_level(color.blue);
  // The grey ramp: 24 steps 8, 18, ... 238.
  const int mean = (color.red + color.green + color.blue) / 3;
  const int step = std::clamp((mean - 8 + 5) / 10, 0, 23);
  const auto grey = static_cast<uint8_t>(8 + 10 * step);
  if (SquaredDistance(color, {grey, grey, grey}) <
      SquaredDistance(color, {kLevels[red], kLevels[green], kLevels[blue]})) {
    return 232 + step;
  }
  return static_cast<int>(16 + 36 * red + 6 * green + blue);
}

}  // namespace attentiond::client
