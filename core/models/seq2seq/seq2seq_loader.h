// core/models/seq2seq/seq2seq_loader.h -- encoders and decoders from a checkpoint.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/models/seq2seq/caption_config.h"
#include "core/models/seq2seq/decoder.h"
#include "core/models/seq2seq/seq2seq_config.h"
#include "core/models/seq2seq/source_encoder.h"
#include "core/models/weight_loader.h"

namespace attentiond {

struct TextSeq2Seq {
  SourceEncoder encoder;
  Decoder decoder;
};

/// `types` are those of the layers; the head, whose results are compared with each other, is not
/// in int8. Errors: those of WeightLoader.
absl::StatusOr<TextSeq2Seq> LoadTextSeq2Seq(const Seq2SeqConfig& config, LinearTypes types,
                                            WeightLoader* loader);

/// The decoder of captions. Errors: those of WeightLoader.
absl::StatusOr<Decoder> LoadCaptionDecoder(const CaptionConfig& config, LinearTypes types,
                                           WeightLoader* loader);

}  // namespace attentiond
