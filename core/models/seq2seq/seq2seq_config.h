// core/models/seq2seq/seq2seq_config.h -- an encoder-decoder's config.json, checked.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/models/seq2seq/seq2seq_family.h"
#include "core/models/seq2seq/stack_config.h"

namespace attentiond {

/// What a checkpoint's config.json says. Every size is positive and bounded, so that products of
/// two of them fit in 63 bits.
struct Seq2SeqConfig {
  const Seq2SeqFamily* family = nullptr;
  StackConfig encoder, decoder;
  bool shares_embeddings = true;  ///< of encoder and decoder

  float logits_scale = 1;  ///< multiplies what the head reads
  int64_t padding_id = 0;
};

/// Tokens of models without a table of positions: far above what they were trained on.
inline constexpr int64_t kMostTokensWithoutPositions = 4096;

/// Parses config.json for `family`. Every message begins with "config.json: ".
///   kInvalidArgument  a key is missing, of the wrong type or out of range: names the key, what was
///                     found and what is required
///   kUnimplemented    a class of model, an activation or an option that is not supported: names
///                     the key and the value
absl::StatusOr<Seq2SeqConfig> ParseSeq2SeqConfig(const Seq2SeqFamily& family,
                                                 const nlohmann::json& config);

}  // namespace attentiond
