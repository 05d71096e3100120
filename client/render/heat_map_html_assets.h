// client/render/heat_map_html_assets.h -- the style sheet and the script of the attention page.
#pragma once

#include <string>

namespace attentiond::client {

/// Number of colour classes "c0" (nothing) to "c<kHeatLevels - 1>" (the most).
inline constexpr int kHeatLevels = 33;

/// Number of colour classes of effects, "e0" (the most against) to "e<kEffectLevels - 1>" (the most
/// for); the one in the middle is nothing.
inline constexpr int kEffectLevels = 33;

/// The page's style sheet: light and dark, narrow and wide, print.
std::string HeatMapStyleSheet();

/// What choosing a word or a map does. Plain ES2017, no globals, reads only the page itself.
extern const char* const kHeatMapScript;

}  // namespace attentiond::client
