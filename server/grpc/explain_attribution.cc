// server/grpc/explain_attribution.cc -- rows without a word, and results against the whole's.
#include "server/grpc/explain_attribution.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "server/inference/classification.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

absl::string_view TextOf(const v1::TextInput& input, const InputWord& word) {
  return word.sequence == 0 ? input.text() : input.text_pair();
}

absl::StatusOr<size_t> FindLabel(const std::string& name, const ModelInfo& info) {
  const auto found = std::find(info.labels.begin(), info.labels.end(), name);
  if (found != info.labels.end()) return static_cast<size_t>(found - info.labels.begin());
  const std::string required = info.labels.empty()
                                   ? "none: the model does not classify"
                                   : absl::StrCat("one of ", absl::StrJoin(info.labels, ", "));
  return FieldError("attribution_label", absl::StrCat("\"", name, "\", required ", required));
}

/// 1 - cosine, in double: of close embeddings little is left of it.
float CosineDistance(absl::Span<const float> a, absl::Span<const float> b) {
  double dot = 0, a_square = 0, b_square = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * double{b[i]};
    a_square += double{a[i]} * double{a[i]};
    b_square += double{b[i]} * double{b[i]};
  }
  const double norms = std::sqrt(a_square * b_square);
  const double cosine = norms > 0 ? dot / norms : a_square == b_square ? 1 : 0;
  return static_cast<float>(1 - std::clamp(cosine, -1.0, 1.0));
}

void SetPlace(const v1::TextInput& input, const InputWord& word, v1::WordAttribution* proto) {
  const absl::string_view text =
      TextOf(input, word)
          .substr(static_cast<size_t>(word.bytes.begin),
                  static_cast<size_t>(word.bytes.end - word.bytes.begin));
  proto->set_text(text.data(), text.size());
  proto->set_sequence(word.sequence);
  proto->set_word_index(word.index);
  proto->set_char_begin(word.char_begin);
  proto->set_char_end(word.char_end);
  proto->set_byte_begin(word.bytes.begin);
  proto->set_byte_end(word.bytes.end);
}

}  // namespace

absl::StatusOr<std::optional<ExplainAttribution>> ExplainAttribution::Create(
    const v1::ExplainRequest& request, const ModelInfo& info) {
  ExplainAttribution attribution(info);
  if (!request.attribution_label().empty()) {
    ASSIGN_OR_RETURN(attribution.label_, FindLabel(request.attribution_label(), info));
  }
  if (!request.attribute_words()) return std::optional<ExplainAttribution>();
  if (info.kind != ModelKind::kSequenceClassification && info.kind != ModelKind::kEmbedding) {
    return FieldError("attribute_words",
                      "true, required false: the model neither classifies texts nor embeds them");
  }
  return attribution;
}

absl::Status ExplainAttribution::SetInputs(const v1::ExplainRequest& request,
                                           absl::Span<const Encoding> encodings) {
  size_t num_words = 0;
  for (size_t i = 0; i < encodings.size(); ++i) {
    const v1::TextInput& input = request.inputs(static_cast<int>(i));
    words_.push_back(WordsOf(encodings[i], input.text(),
                             input.has_text_pair()
                                 ? std::optional<absl::string_view>(input.text_pair())
                                 : std::nullopt));
    num_tokens_.push_back(encodings[i].ids.size());
    num_words += words_.back().size();
  }
  if (num_words <= kMaxWords) return absl::OkStatus();
  return FieldError("inputs", absl::StrCat(num_words, " words to leave out, required at most ",
                                           kMaxWords, " in one call"));
}

bool ExplainAttribution::LeavesTokens(size_t input, const InputWord& word) const {
  return word.token_end - word.token_begin < num_tokens_[input];
}

int64_t ExplainAttribution::RowBytes() const {
  constexpr size_t kTokenBytes = 2 * sizeof(int32_t);  // id and type
  const bool classifies = info_->kind == ModelKind::kSequenceClassification;
  const size_t values = classifies ? info_->labels.size() : static_cast<size_t>(info_->hidden_size);
  size_t bytes = 0;
  for (size_t i = 0; i < words_.size(); ++i) {
    bytes += words_[i].size() * (num_tokens_[i] * kTokenBytes + values * sizeof(float));
  }
  return static_cast<int64_t>(bytes);
}

void ExplainAttribution::AddRows(absl::Span<const Encoding> encodings,
                                 std::vector<EncodeInput>* rows) const {
  for (size_t i = 0; i < words_.size(); ++i) {
    for (const InputWord& word : words_[i]) {
      if (!LeavesTokens(i, word)) continue;
      EncodeInput& row = rows->emplace_back();
      row.ids = Without(word, encodings[i].ids);
      if (info_->type_vocab_size > 0) row.type_ids = Without(word, encodings[i].type_ids);
      row.skip_attentions = true;
    }
  }
}

size_t ExplainAttribution::LabelOf(const EncoderRowResult& whole) const {
  if (label_) return *label_;
  const std::vector<RankedLabel> best = RankLabels(*info_, LabelScores(*info_, whole.logits), 1);
  return static_cast<size_t>(best.front().id);
}

void ExplainAttribution::Write(const v1::TextInput& text, size_t input,
                               const EncoderRowResult& whole,
                               absl::Span<const EncodedRow>* next_row,
                               v1::Attribution* attribution) const {
  const bool classifies = info_->kind == ModelKind::kSequenceClassification;
  const size_t label = classifies ? LabelOf(whole) : 0;
  const auto score_of = [&](const EncoderRowResult& result) {
    return LabelScores(*info_, result.logits)[label];
  };
  if (classifies) {
    attribution->set_label(info_->labels[label]);
    attribution->set_score(score_of(whole));
    attribution->set_logit(whole.logits[label]);
  }
  for (const InputWord& word : words_[input]) {
    v1::WordAttribution* const proto = attribution->add_words();
    SetPlace(text, word, proto);
    if (!LeavesTokens(input, word)) continue;
    const EncoderRowResult& without = next_row->front().result;
    next_row->remove_prefix(1);
    if (classifies) {
      proto->set_score_effect(attribution->score() - score_of(without));
      proto->set_logit_effect(attribution->logit() - without.logits[label]);
    } else {
      proto->set_cosine_effect(CosineDistance(whole.embedding, without.embedding));
    }
  }
}

}  // namespace attentiond
