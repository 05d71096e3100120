// server/inference/attention_rollout.h -- how much of each input token a token is made of, through
// all layers up to one.
//
// Source: Abnar and Zuidema 2020, arXiv:2005.00928, section 3 ("attention rollout").
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "server/inference/attention_maps.h"

namespace attentiond {

/// Writes the maps of a rollout's `plan`, maps[i] that of plan.maps[i], each [tokens, tokens], from
/// `attentions`, [layers, num_heads, tokens, tokens], as EncoderRowResult has them.
///
///   R_l = M_l R_(l-1), R_(-1) = I, M_l = (A_l + I) / 2 with its rows scaled to sum to 1,
///
/// A_l the mean of layer l over plan.heads. The residual connection is the I. Layers past the last
/// one planned are not read.
///
/// Numerics  f32; no term is negative, so that the relative error stays below (l + 1) (num_heads +
///           2 tokens + 4) 2^-24.
/// Cost      tokens^3 multiplications a layer, less than its attention; two maps of memory.
/// Threads   any.
void WriteAttentionRollouts(const AttentionMapPlan& plan, absl::Span<const float> attentions,
                            int64_t num_heads, int64_t tokens,
                            absl::Span<const absl::Span<float>> maps);

}  // namespace attentiond
