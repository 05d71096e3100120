#include "client/commands/word_attribution.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

// Takes the text, then the pair, apart at the words.
class Cutter {
 public:
  explicit Cutter(const TextRow& row) : texts_{row.text, row.pair.value_or("")} {}

  // What stands before `word`, which becomes the last one.
  absl::StatusOr<std::string> GapBefore(const v1::WordAttribution& word) {
    std::string gap;
    if (word.sequence() == 1 && HasNext()) gap = FinishText();
    const int64_t begin = word.byte_begin(), end = word.byte_end();
    if (word.sequence() != sequence_ || begin < at_ || end < begin || end > Size()) {
      return absl::InternalError(absl::StrCat("the server sent a word at bytes ", begin, " to ",
                                              end, " of text ", word.sequence(),
                                              ", which is not there"));
    }
    absl::StrAppend(&gap, Substring(at_, begin));
    at_ = end;
    return gap;
  }

  // What stands after the last word.
  std::string Tail() {
    const std::string end_of_text = HasNext() ? FinishText() : "";
    return absl::StrCat(end_of_text, Substring(at_, Size()));
  }

 private:
  absl::string_view Substring(int64_t begin, int64_t end) const {
    return absl::string_view(texts_[sequence_])
        .substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }

  bool HasNext() const { return sequence_ == 0 && !texts_[1].empty(); }

  // Goes on to the pair.
  std::string FinishText() {
    std::string rest = absl::StrCat(Substring(at_, Size()), " | ");
    sequence_ = 1;
    at_ = 0;
    return rest;
  }

  int64_t Size() const { return static_cast<int64_t>(texts_[sequence_].size()); }

  const std::string texts_[2];
  int sequence_ = 0;
  int64_t at_ = 0;
};

void DescribeClassifier(const v1::Attribution& proto, EffectMeasure measure,
                        Attribution* attribution) {
  attribution->result = absl::StrFormat("%s %.3f", proto.label(), proto.score());
  attribution->explanation = absl::StrCat(
      "By how much the score and the logit fall when a word is left out. Above zero a word speaks "
      "for ",
      proto.label(), ", below zero against it.");
  attribution->measures = {"score", "logit"};
  attribution->shown = measure == EffectMeasure::kScore ? 0 : 1;
}

// Nothing to see in the measure shown.
bool IsFlat(const Attribution& attribution) {
  return std::all_of(attribution.words.begin(), attribution.words.end(),
                     [&](const AttributedWord& word) {
                       return word.effects.empty() ||
                              EffectText(word.effects[attribution.shown], false) == "0.000";
                     });
}

void DescribeEmbedding(Attribution* attribution) {
  attribution->result = "the embedding";
  attribution->explanation = "How far the embedding turns when a word is left out: 1 - cosine.";
  attribution->measures = {"turn"};
  attribution->has_signs = false;
}

}  // namespace

absl::StatusOr<Attribution> ToAttribution(const v1::Attribution& proto, const TextRow& text,
                                          EffectMeasure measure) {
  const bool classifies = !proto.label().empty();
  Attribution attribution;
  if (classifies) {
    DescribeClassifier(proto, measure, &attribution);
  } else {
    DescribeEmbedding(&attribution);
  }
  Cutter cutter(text);
  for (const v1::WordAttribution& word : proto.words()) {
    AttributedWord& drawn = attribution.words.emplace_back();
    ASSIGN_OR_RETURN(drawn.gap, cutter.GapBefore(word));
    drawn.text = word.text();
    if (word.has_score_effect()) drawn.effects = {word.score_effect(), word.logit_effect()};
    if (word.has_cosine_effect()) drawn.effects = {word.cosine_effect()};
    if (!drawn.effects.empty() && drawn.effects.size() != attribution.measures.size()) {
      return absl::InternalError("the server sent effects of another kind of model");
    }
  }
  attribution.tail = cutter.Tail();
  if (classifies && measure == EffectMeasure::kScore && IsFlat(attribution)) {
    attribution.explanation += " No word alone moves the score: see the logit.";
  }
  return attribution;
}

}  // namespace attentiond::client
