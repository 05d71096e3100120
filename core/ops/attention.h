// core/ops/attention.h -- scaled dot-product attention, forward only.
//
// Public header of core/. Read AttentionArgs (what goes in), then Attention() (what comes out). The
// plain loops that define it are core/reference/attention.h.
#pragma once

#include "absl/status/status.h"
#include "core/ops/execution_context.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// Writes, for every sequence b, head h and query i,
///   output[b,h,i,:] = sum_j p[j] * v[b,hk,j,:],  p = softmax over visible j of (scale * q.k
///   capped, + bias)
/// A query that sees no key gets zeros, zero weights and lse = -inf. Never NaN from finite input.
///
/// Numerics  scores, softmax and sums in f32 for every dtype.
/// Cost      2 * H * (D + Dv) flop per visible pair; scratch from `context`, nothing allocated once
///           it is warm.
/// Threads   on context's threads; one call at a time per context.
/// Errors    never throws. kInvalidArgument: a constraint above is broken (outputs untouched).
///           kResourceExhausted: a sequence has more keys than the scratch memory allows, which is
///           some 390,000 at a head size of 64 in f32.
/// Source    Vaswani et al. 2017, arXiv:1706.03762, equation 1; grouped heads: Ainslie et al. 2023,
///           arXiv:2305.13245.
absl::Status Attention(const AttentionArgs& args, const AttentionOutputs& outputs,
                       ExecutionContext& context);

/// The name of the kernel that Attention() takes for these arguments, for logs and metrics:
/// "brgemm_bf16", "brgemm_f32", "few_queries", "reference". In a ragged call the sequences of a few
/// queries have a kernel of their own; named is that of the others.
const char* AttentionKernelName(const AttentionArgs& args);

}  // namespace attentiond
