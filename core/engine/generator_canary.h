// core/engine/generator_canary.h -- what the check of int8 asks models that write text.
#pragma once

#include "absl/status/statusor.h"
#include "core/engine/int8_check.h"
#include "core/models/seq2seq/decoder.h"
#include "core/models/seq2seq/seq2seq_loader.h"
#include "core/models/vision_encoder.h"

namespace attentiond {

/// The states of one source of 16 tokens, and the logits after each of 8 tokens that are decoded
/// with it. On the calling thread alone.
absl::StatusOr<CanaryOutputs> RunCanary(const TextSeq2Seq& model);
/// The same of one picture of noise.
absl::StatusOr<CanaryOutputs> RunCanary(const VisionEncoder& encoder, const Decoder& decoder);

}  // namespace attentiond
