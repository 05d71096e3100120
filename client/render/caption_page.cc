#include "client/render/caption_page.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/escape.h"

namespace attentiond::client {
namespace {

constexpr const char* kStyle = R"css(
:root { --paper: #fdfcf8; --ink: #1d1b2e; --soft: #57546b; --line: #dedbd0; color-scheme: light; }
@media (prefers-color-scheme: dark) { :root { --paper: #15141d; --ink: #edebe4; --soft: #a9a6b8;
  --line: #35333f; color-scheme: dark; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .35rem; }
.soft { color: var(--soft); font-size: .92rem; margin: .2rem 0; }
section + section { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 2rem; }
.whole { display: block; width: 20rem; max-width: 100%; margin: 1rem 0 0; border-radius: .6rem; }
.words { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem;
  margin: .7rem 0 0; padding: 0; list-style: none; }
.words figure { margin: 0; } .words figcaption { font-size: 1.1rem; overflow-wrap: anywhere; }
.words .seen { position: relative; border-radius: .5rem; overflow: hidden; }
.words img { display: block; width: 100%; }
.words svg { position: absolute; inset: 0; width: 100%; height: 100%; }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
)css";

void AppendHead(const CaptionPage& page, std::string* out) {
  const std::string title = page.pictures.empty() ? "" : page.pictures.front().caption;
  absl::StrAppend(out,
                  "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; img-src data:\">\n<title>Caption: ",
                  EscapeMarkup(title), "</title>\n<style>", kStyle,
                  "</style>\n</head>\n<body>\n<main>\n");
}

// A veil over the picture: as dark over each patch as the word looked away from it.
void AppendVeil(const CaptionPicture& picture, const CaptionWord& word, std::string* out) {
  constexpr double kDarkest = 0.82;
  const double most = std::max(1e-9, *std::max_element(word.weights.begin(), word.weights.end()));
  absl::StrAppendFormat(out,
                        "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
                        "shape-rendering=\"crispEdges\" aria-hidden=\"true\">",
                        picture.columns, picture.rows);
  for (int row = 0; row < picture.rows; ++row) {
    for (int column = 0; column < picture.columns; ++column) {
      const double weight = word.weights[static_cast<size_t>(row * picture.columns + column)];
      const double dark = kDarkest * (1 - std::sqrt(std::clamp(weight / most, 0.0, 1.0)));
      if (dark < 0.01) continue;
      absl::StrAppendFormat(out,
                            "<rect x=\"%d\" y=\"%d\" width=\"1\" height=\"1\" "
                            "fill-opacity=\"%.2f\"/>",
                            column, row, dark);
    }
  }
  absl::StrAppend(out, "</svg>");
}

bool HasMap(const CaptionPicture& picture, const CaptionWord& word) {
  const auto cells = static_cast<size_t>(picture.rows) * static_cast<size_t>(picture.columns);
  return cells > 0 && word.weights.size() == cells;
}

void AppendWords(const CaptionPicture& picture, const std::string& source, std::string* out) {
  absl::StrAppend(out,
                  "<h2>Where each word looked</h2>\n<p class=\"soft\">Cross-attention, the "
                  "mean over layers and heads: bright is where the model looked.</p>\n"
                  "<ol class=\"words\">\n");
  for (const CaptionWord& word : picture.words) {
    if (!HasMap(picture, word)) continue;
    absl::StrAppend(out, "<li><figure><div class=\"seen\"><img alt=\"\" src=\"", source, "\">");
    AppendVeil(picture, word, out);
    absl::StrAppend(out, "</div><figcaption>", EscapeMarkup(word.text),
                    "</figcaption></figure></li>\n");
  }
  absl::StrAppend(out, "</ol>\n");
}

void AppendPicture(const CaptionPicture& picture, const std::string& model, std::string* out) {
  const std::string source =
      absl::StrCat("data:", picture.type, ";base64,", absl::Base64Escape(picture.bytes));
  absl::StrAppend(
      out, "<section>\n<h1>", EscapeMarkup(picture.caption), "</h1>\n<p class=\"soft\">",
      EscapeMarkup(picture.name), ", captioned by <strong>", EscapeMarkup(model),
      absl::StrFormat("</strong>; score %.4f</p>\n", picture.score), "<img class=\"whole\" alt=\"",
      EscapeMarkup(picture.caption), "\" src=\"", source, "\">\n");
  const bool has_maps =
      std::any_of(picture.words.begin(), picture.words.end(),
                  [&picture](const CaptionWord& word) { return HasMap(picture, word); });
  if (has_maps) AppendWords(picture, source, out);
  absl::StrAppend(out, "</section>\n");
}

}  // namespace

std::string ImageType(const std::string& bytes) {
  if (absl::StartsWith(bytes, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (absl::StartsWith(bytes, "\xff\xd8\xff")) return "image/jpeg";
  return "";
}

std::string RenderCaptionHtml(const CaptionPage& page) {
  std::string out;
  AppendHead(page, &out);
  for (const CaptionPicture& picture : page.pictures) AppendPicture(picture, page.model, &out);
  absl::StrAppend(&out, "</main>\n</body>\n</html>\n");
  return out;
}

}  // namespace attentiond::client
