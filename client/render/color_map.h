// client/render/color_map.h -- numbers as colours, the same in the terminal, SVG and HTML.
#pragma once

#include <cstdint>
#include <string>

namespace attentiond::client {

/// sRGB, 8 bits a channel.
struct Rgb {
  uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// A sequential map from pale (0) over teal to deep indigo (1). Lightness falls steadily, so that
/// it reads without colour vision and in print. Values outside [0, 1] and NaN are clamped.
Rgb HeatColor(double value);

/// A diverging map from deep orange (-1) over pale (0) to deep blue (1): told apart without red and
/// green. Values outside [-1, 1] and NaN are clamped, NaN to 0.
Rgb EffectColor(double value);

/// The same for dark paper: dim in the middle, bright at the ends.
Rgb EffectColorOnDark(double value);

/// Black or white, whichever has the higher contrast (WCAG 2.1) on `background`.
Rgb TextColorOn(Rgb background);

/// WCAG 2.1 contrast ratio of two colours, in [1, 21].
double ContrastRatio(Rgb a, Rgb b);

/// "#1a2b3c".
std::string HexColor(Rgb color);

/// The nearest entry of the 6x6x6 cube and the grey ramp of a 256-colour terminal: 16 to 255.
int NearestAnsi256(Rgb color);

}  // namespace attentiond::client
