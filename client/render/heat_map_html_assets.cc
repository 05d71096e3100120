#include "client/render/heat_map_html_assets.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/color_map.h"

namespace attentiond::client {
namespace {

constexpr const char* kLayout = R"css(
:root { --paper: #fdfcf8; --ink: #1d1b2e; --soft: #57546b; --line: #dedbd0; --card: #ffffff;
  --accent: #c2410c; --bar: #2f6298; --track: linear-gradient(var(--line), var(--line)) 50% / 1px 100% no-repeat;
  color-scheme: light; }
@media (prefers-color-scheme: dark) { :root { --paper: #15141d; --ink: #edebe4; --soft: #a9a6b8;
  --line: #35333f; --card: #1e1d28; --accent: #fb923c; --bar: #6fb3c9; color-scheme: dark; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2.25rem 0 .35rem; }
p { margin: .2rem 0; } .soft { color: var(--soft); font-size: .92rem; }
.scores { display: grid; grid-template-columns: max-content minmax(6rem, 20rem) max-content;
  gap: .3rem .9rem; align-items: center; margin: .6rem 0 0; }
.scores .track { height: .7rem; border-radius: .35rem; background: var(--line); overflow: hidden; }
.scores .fill { display: block; height: 100%; background: var(--bar); }
.effects { font-size: 1.25rem; line-height: 1.4; margin: .8rem 0 0; overflow-wrap: anywhere;
  white-space: pre-wrap; }
.effects span { display: inline-flex; flex-direction: column; align-items: center; max-width: 100%;
  vertical-align: top; min-height: 2.9rem; }
.effects b { font-weight: inherit; margin: 0 1px; padding: .05rem .35rem; border-radius: .4rem; }
.effects small { font-size: .75rem; line-height: 1.5; padding: 0 .2rem; color: var(--soft);
  font-variant-numeric: tabular-nums; }
details { margin-top: .8rem; } summary { cursor: pointer; color: var(--soft); font-size: .92rem; }
summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.numbers td { text-align: right; padding: 0 .5rem; height: 1.7rem; }
.numbers thead th { padding: 0 .5rem .3rem; text-align: right; }
.numbers .bar { width: 14rem; min-width: 8rem; padding: 0; background: var(--track); }
.numbers .bar i { display: block; height: 1rem; border-radius: .2rem; }
.words { display: flex; flex-wrap: wrap; gap: .35rem; margin: .7rem 0 0; padding: 0; }
.words button { font: inherit; font-size: 1.1rem; padding: .2rem .55rem; border-radius: .45rem;
  border: 1px solid var(--line); background: var(--card); color: var(--ink); cursor: pointer; }
.words button[aria-pressed=true] { outline: 3px solid var(--accent); outline-offset: 1px; }
button:focus-visible, select:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
select { font: inherit; padding: .25rem .5rem; border-radius: .4rem; border: 1px solid var(--line);
  background: var(--card); color: var(--ink); }
.scroll { overflow: auto; max-height: 85vh; margin-top: .8rem; border: 1px solid var(--line);
  border-radius: .7rem; background: var(--card); padding: .9rem .9rem .9rem 0; width: fit-content; max-width: 100%; }
table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 .5rem .9rem; }
td { min-width: 2.5rem; height: 2.2rem; padding: 0 .3rem; text-align: center; border-radius: .3rem;
  font-size: .82rem; }
thead th { vertical-align: bottom; padding: 0 0 .3rem; font-weight: 500; font-size: .88rem; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap;
  max-height: 11rem; overflow: hidden; text-overflow: ellipsis; }
tbody th { text-align: right; padding-right: .55rem; font-weight: 500; font-size: .95rem;
  white-space: nowrap; }
thead th, thead td, tbody th { position: sticky; background: var(--card); }
thead th, thead td { top: -.9rem; z-index: 1; box-shadow: 2px 0 var(--card), -2px 0 var(--card); }
tbody th, thead td { left: 0; padding-left: .9rem;
  box-shadow: 0 2px var(--card), 0 -2px var(--card); }
thead td { z-index: 2; border-radius: 0; }
tr.on th, th.on { color: var(--accent); font-weight: 700; }
tr.on td { box-shadow: 0 0 0 2px var(--accent); }
.legend { display: flex; align-items: center; gap: .6rem; margin-top: .8rem; font-size: .85rem;
  color: var(--soft); }
.legend i { display: block; width: 15rem; max-width: 40vw; height: .75rem; border-radius: .3rem; }
output { display: block; min-height: 1.6rem; margin-top: .6rem; color: var(--soft); }
[hidden] { display: none !important; }
@media print { .scroll { max-height: none; overflow: visible; border: 0; padding: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
)css";

// The colours of the levels, and of the legend. On dark paper they run the other way: nothing stays
// near the paper, the most stands out.
std::string HeatStyle(bool on_dark) {
  std::string style;
  std::string gradient = ".legend i { background: linear-gradient(90deg";
  for (int level = 0; level < kHeatLevels; ++level) {
    const double value = level / static_cast<double>(kHeatLevels - 1);
    const Rgb color = HeatColor(on_dark ? 1 - value : value);
    // The buttons' own colours are more specific than a lone class.
    absl::StrAppendFormat(&style, ".c%d, .words button.c%d { background: %s; color: %s; }\n", level,
                          level, HexColor(color), HexColor(TextColorOn(color)));
    absl::StrAppend(&gradient, ", ", HexColor(color));
  }
  return absl::StrCat(style, gradient, "); }\n");
}

std::string EffectStyle(bool on_dark) {
  constexpr int kMiddle = kEffectLevels / 2;
  std::string style;
  std::string whole, upper_half;  // of the legends' gradients
  for (int level = 0; level < kEffectLevels; ++level) {
    const double value = (level - kMiddle) / static_cast<double>(kMiddle);
    const Rgb color = on_dark ? EffectColorOnDark(value) : EffectColor(value);
    absl::StrAppendFormat(&style, ".e%d { background: %s; color: %s; }\n", level, HexColor(color),
                          HexColor(TextColorOn(color)));
    absl::StrAppend(&whole, ", ", HexColor(color));
    if (level >= kMiddle) absl::StrAppend(&upper_half, ", ", HexColor(color));
  }
  return absl::StrCat(style, ".legend i.signed { background: linear-gradient(90deg", whole,
                      "); }\n.legend i.unsigned { background: linear-gradient(90deg", upper_half,
                      "); }\n");
}

}  // namespace

std::string HeatMapStyleSheet() {
  return absl::StrCat(kLayout, HeatStyle(/*on_dark=*/false), EffectStyle(/*on_dark=*/false),
                      "@media (prefers-color-scheme: dark) {\n", HeatStyle(/*on_dark=*/true),
                      EffectStyle(/*on_dark=*/true), "}\n");
}

const char* const kHeatMapScript = R"js(
(() => {
  const figures = [...document.querySelectorAll("figure")];
  const words = [...document.querySelectorAll(".words button")];
  const choice = document.querySelector("select");
  const note = document.querySelector("output");
  let shown = 0;
  let chosen = -1;
  const cellsOf = (row) => [...figures[shown].querySelectorAll("tbody tr")[row].cells].slice(1);
  const paint = (row) => {
    words.forEach((word, at) => { word.className = row < 0 ? "" : cellsOf(row)[at].className; });
    for (const line of figures[shown].querySelectorAll("tbody tr")) {
      line.classList.toggle("on", line.sectionRowIndex === row);
    }
    if (row < 0) { note.textContent = ""; return; }
    const best = cellsOf(row).map((cell, at) => [Number(cell.dataset.w || 0), at])
      .sort((a, b) => b[0] - a[0]).slice(0, 3).filter((pair) => pair[0] > 0)
      .map((pair) => words[pair[1]].textContent + " " + (pair[0] / 10).toFixed(1) + " %");
    note.textContent = words[row].textContent + " " + note.dataset.verb + ": " + best.join(", ");
  };
  words.forEach((word, row) => {
    word.addEventListener("mouseenter", () => paint(row));
    word.addEventListener("mouseleave", () => paint(chosen));
    word.addEventListener("focus", () => paint(row));
    word.addEventListener("blur", () => paint(chosen));
    word.addEventListener("click", () => {
      chosen = chosen === row ? -1 : row;
      words.forEach((other, at) => other.setAttribute("aria-pressed", String(at === chosen)));
      paint(chosen);
    });
  });
  const show = (index) => {
    shown = index;
    figures.forEach((figure, at) => { figure.hidden = at !== index; });
    paint(chosen);
  };
  for (const figure of figures) {
    figure.addEventListener("mouseover", (event) => {
      const cell = event.target.closest("tbody td");
      if (!cell) return;
      const row = cell.parentElement.sectionRowIndex;
      for (const head of figure.querySelectorAll("thead th")) {
        head.classList.toggle("on", head.cellIndex === cell.cellIndex);
      }
      paint(row);
      note.textContent = words[row].textContent + " \u2192 " +
        words[cell.cellIndex - 1].textContent + ": " +
        (Number(cell.dataset.w || 0) / 10).toFixed(1) + " %";
    });
    figure.addEventListener("mouseleave", () => {
      for (const head of figure.querySelectorAll("thead th.on")) head.classList.remove("on");
      paint(chosen);
    });
  }
  if (choice) choice.addEventListener("change", () => show(choice.selectedIndex));
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  show(0);
})();
)js";

}  // namespace attentiond::client
