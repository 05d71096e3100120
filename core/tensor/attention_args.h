// core/tensor/attention_args.h -- the operands and options of one attention call.
//
// Apart from core/ops/attention.h so that the reference, on which the ops rest, takes the same.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// Where the element (sequence b, head h, token t, channel d) of an operand is, in elements from
/// `data`:
///   b * batch_stride + h * head_stride + (start[b] + t) * token_stride + d
/// with start[b] = SequenceLengths::start(b): dense tensors [B, H, S, D] use batch_stride and start
/// 0; ragged ones [tokens, H, D] use batch_stride 0 and cumulative starts. Channels are contiguous.
template <typename Pointer>
struct AttentionOperandT {
  Pointer data = nullptr;
  int64_t batch_stride = 0;
  int64_t head_stride = 0;
  int64_t token_stride = 0;
};
using AttentionOperand = AttentionOperandT<const void*>;
using MutableAttentionOperand = AttentionOperandT<void*>;

/// How many tokens each sequence has: the same number (dense), or by cumulative starts (ragged).
struct SequenceLengths {
  int64_t dense_length = 0;              ///< used when `cumulative` is empty.
  absl::Span<const int64_t> cumulative;  ///< [B + 1], from 0, not decreasing; empty: dense.

  int64_t length(int64_t b) const {
    return cumulative.empty()
               ? dense_length
               : cumulative[static_cast<size_t>(b + 1)] - cumulative[static_cast<size_t>(b)];
  }
  int64_t start(int64_t b) const {
    return cumulative.empty() ? 0 : cumulative[static_cast<size_t>(b)];
  }
};

/// An additive bias or a boolean mask, broadcast by zero strides (in elements).
template <typename T>
struct AttentionBroadcast {
  const T* data = nullptr;  ///< nullptr: none.
  int64_t batch_stride = 0, head_stride = 0, query_stride = 0, key_stride = 0;
};

/// Inputs of one Attention() call. Everything is borrowed until the call returns.
///
/// Symbols: B sequences, H query heads, Hk key/value heads (H % Hk == 0; query head h reads key
/// head h / (H / Hk)), Sq and Sk query and key tokens of a sequence, D and Dv channels of a head.
struct AttentionArgs {
  int64_t batch = 0;          ///< B
  int64_t num_heads = 0;      ///< H
  int64_t num_kv_heads = 0;   ///< Hk
  int64_t head_dim = 0;       ///< D
  int64_t value_dim = 0;      ///< Dv
  DType dtype = DType::kF32;  ///< of q, k, v and output: kF32, kBF16 or kF16.

  SequenceLengths query_lengths;  ///< Sq of each sequence
  SequenceLengths kv_lengths;     ///< Sk of each sequence

  AttentionOperand query;  ///< [B, H, Sq, D]
  AttentionOperand key;    ///< [B, Hk, Sk, D]
  AttentionOperand value;  ///< [B, Hk, Sk, Dv]

  /// Multiplies q.k; nullopt: 1 / sqrt(D).
  std::optional<double> scale;
  /// Query i sees key j only when j <= i + Sk - Sq: the last query is aligned with the last key.
  bool causal = false;
  /// Query i sees key j only when j > i + Sk - Sq - window. nullopt: no window; otherwise >= 1.
  std::optional<int64_t> window;
  /// Scores become softcap * tanh(score / softcap), before bias and mask. nullopt: none; otherwise
  /// > 0.
  std::optional<double> softcap;
  /// true: may attend. Masked scores are -inf.
  AttentionBroadcast<bool> mask;
  /// Added after scaling and capping. -inf masks.
  AttentionBroadcast<float> bias;
  /// [B], or empty. Keys at or past valid_kv[b] are masked; 0 <= valid_kv[b] <= Sk. Unlike
  /// kv_lengths it does not move the alignment of `causal` and `window`.
  absl::Span<const int64_t> valid_kv;
};

/// What Attention() writes.
struct AttentionOutputs {
  MutableAttentionOperand output;  ///< [B, H, Sq, Dv], dtype of the inputs
  /// Softmax probabilities, f32, [B, H, Sq, Sk] at the strides given (keys contiguous); nullptr:
  /// not wanted.
  float* weights = nullptr;
  int64_t weights_batch_stride = 0, weights_head_stride = 0, weights_query_stride = 0;
  /// Ragged weights: where each sequence's contiguous [H, Sq, Sk], of its own sizes, begins; the
  /// three strides are then not used. [B] or empty.
  absl::Span<const int64_t> weights_offsets;
  /// log(sum_j exp(score_j)), f32; (b, h, i) at b * lse_batch_stride + h * lse_head_stride +
  /// start(b) + i.
  float* lse = nullptr;
  int64_t lse_batch_stride = 0, lse_head_stride = 0;
};

/// Where channel 0 of a token is, in elements from `operand.data`.
template <typename Pointer>
int64_t TokenOffset(const AttentionOperandT<Pointer>& operand, const SequenceLengths& lengths,
                    int64_t b, int64_t h, int64_t token) {
  return b * operand.batch_stride + h * operand.head_stride +
         (lengths.start(b) + token) * operand.token_stride;
}

/// Where the weights [Sk] of query `token` begin; `outputs.weights` is not null.
inline float* WeightsRow(const AttentionArgs& args, const AttentionOutputs& outputs, int64_t b,
                         int64_t h, int64_t token) {
  if (outputs.weights_offsets.empty()) {
    return outputs.weights + b * outputs.weights_batch_stride + h * outputs.weights_head_stride +
           token * outputs.weights_query_stride;
  }
  return outputs.weights + outputs.weights_offsets[static_cast<size_t>(b)] +
         (h * args.query_lengths.length(b) + token) * args.kv_lengths.length(b);
}

/// Where the log-sum-exp of query `token` is; `outputs.lse` is not null.
inline float* LsePlace(const AttentionArgs& args, const AttentionOutputs& outputs, int64_t b,
                       int64_t h, int64_t token) {
  return outputs.lse + b * outputs.lse_batch_stride + h * outputs.lse_head_stride +
         args.query_lengths.start(b) + token;
}

}  // namespace attentiond
