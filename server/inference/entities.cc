// server/inference/entities.cc -- the best label of each token, and runs of them.
#include "server/inference/entities.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "core/ops/softmax.h"
#include "server/inference/token_spans.h"

namespace attentiond {
namespace {

/// A label of one token.
struct Tag {
  absl::string_view name;
  bool begins = false;  // an entity of its own, also after another of that name
};

Tag TagOf(absl::string_view label) {
  if (absl::StartsWith(label, "B-")) return {label.substr(2), true};
  if (absl::StartsWith(label, "I-")) return {label.substr(2), false};
  return {label, false};
}

/// What an entity of that label is called: what is behind the first hyphen, whatever is before it.
absl::string_view NameOf(absl::string_view label) { return label.substr(label.find('-') + 1); }

/// An entity that may still grow.
struct Run {
  Entity entity;
  absl::string_view tag;
  float scores = 0;
  int64_t tokens = 0;
};

// The fewest digits that give the float again.
double FewestDigits(float value) {
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), value);
  double result = 0;
  std::from_chars(digits, written.ptr, result);
  return result;
}

}  // namespace

std::vector<Entity> GroupEntities(const std::vector<std::string>& labels, const Encoding& encoding,
                                  absl::string_view text, absl::Span<const float> logits) {
  const std::vector<TokenSpan> spans = SpansOf(encoding, text, std::nullopt);
  std::vector<float> scores(labels.size());
  std::vector<Run> runs;
  for (size_t token = 0; token < spans.size(); ++token) {
    if (encoding.sequence[token] < 0) continue;
    const absl::Span<const float> row = logits.subspan(token * labels.size(), labels.size());
    scores.assign(row.begin(), row.end());
    Softmax(absl::MakeSpan(scores));
    const auto best = std::max_element(scores.begin(), scores.end());
    const std::string& label = labels[static_cast<size_t>(best - scores.begin())];
    const Tag tag = TagOf(label);
    if (runs.empty() || tag.begins || runs.back().tag != tag.name) {
      Run& run = runs.emplace_back();
      run.tag = tag.name;
      run.entity.label = std::string(NameOf(label));
      run.entity.char_begin = spans[token].char_begin;
      run.entity.byte_begin = encoding.offsets[token].begin;
    }
    Run& run = runs.back();
    run.entity.char_end = spans[token].char_end;
    run.entity.byte_end = encoding.offsets[token].end;
    run.scores += *best;
    ++run.tokens;
  }
  std::vector<Entity> entities;
  for (Run& run : runs) {
    if (run.entity.label == "O") continue;
    run.entity.score = run.scores / static_cast<float>(run.tokens);
    entities.push_back(std::move(run.entity));
  }
  return entities;
}

std::string EntitiesJson(const std::vector<Entity>& entities, absl::string_view text) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Entity& entity : entities) {
    const int64_t length = std::max<int64_t>(entity.byte_end - entity.byte_begin, 0);
    array.push_back({{"start", entity.char_begin},
                     {"end", entity.char_end},
                     {"label", entity.label},
                     {"score", FewestDigits(entity.score)},
                     {"text", std::string(text.substr(static_cast<size_t>(entity.byte_begin),
                                                      static_cast<size_t>(length)))}});
  }
  return array.dump(-1, ' ', /*ensure_ascii=*/false,
                    nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace attentiond
