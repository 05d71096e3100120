// client/commands/explain_output.h -- an explanation for people, for scripts and as files.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attentiond/v1/attention_service.pb.h"
#include "client/commands/text_source.h"
#include "client/render/heat_map.h"

namespace attentiond::client {

/// What came back of one text, and how it is drawn. Borrowed but for the drawings.
struct ExplainedText {
  const v1::Explanation& explanation;
  const TextRow& text;
  std::vector<HeatMap> maps = {};
  bool prints_maps = true;  ///< else they are for pictures alone
  bool is_rollout = false;
  std::optional<Attribution> attribution = std::nullopt;
};

/// Scores, attribution and heat maps.
void PrintExplanation(const ExplainedText& explained, const TerminalStyle& style,
                      std::ostream* out);

/// One JSON line.
void PrintExplanationJson(const ExplainedText& explained, std::ostream* out);

/// Where pictures go; empty: nowhere.
struct ExplainPictures {
  std::string html, svg;
  std::string model;  ///< the page says which
  bool empty() const { return html.empty() && svg.empty(); }
};

/// kInvalidArgument: too many cells for a page, or maps for an SVG. Else as WriteFile().
absl::Status WritePictures(const ExplainPictures& pictures, ExplainedText explained);

}  // namespace attentiond::client
