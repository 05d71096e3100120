// server/inference/entities.h -- from a token classifier's logits to the named parts of a text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// A run of tokens with one label.
struct Entity {
  std::string label;                     ///< without the "B-" or "I-" that says where a run begins
  float score = 0;                       ///< the mean of its tokens' probabilities
  int64_t char_begin = 0, char_end = 0;  ///< in Unicode code points of the text
  int64_t byte_begin = 0, byte_end = 0;  ///< in bytes of its UTF-8
};

/// As transformers' pipeline aggregates in its "simple" way: neighbours of one label are one
/// entity, unless the second begins with "B-"; tokens labelled "O" and those that the tokenizer
/// added are none. `logits` are [tokens of `encoding`, labels]; `encoding` came from `text`,
/// without a pair.
std::vector<Entity> GroupEntities(const std::vector<std::string>& labels, const Encoding& encoding,
                                  absl::string_view text, absl::Span<const float> logits);

/// A JSON array of objects with start and end (in code points), label, score and text.
std::string EntitiesJson(const std::vector<Entity>& entities, absl::string_view text);

}  // namespace attentiond
