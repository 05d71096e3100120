// client/commands/word_attribution.h -- the server's attribution of a text as one to draw.
#pragma once

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "client/commands/text_source.h"
#include "client/render/attribution.h"

namespace attentiond::client {

/// What colours and bars are of, where there is a choice.
enum class EffectMeasure { kScore, kLogit };

/// kInternal: the server's words do not fit the text.
absl::StatusOr<Attribution> ToAttribution(const v1::Attribution& proto, const TextRow& text,
                                          EffectMeasure measure);

}  // namespace attentiond::client
