// core/models/seq2seq/seq2seq_family.h -- what differs between the families of encoder-decoders.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/models/seq2seq/stack_config.h"

namespace attentiond {

enum class Seq2SeqKind : uint8_t {
  kBart,  ///< BART's layers and names: Marian, BART, mBART, M2M-100
  kT5,
};

struct Seq2SeqFamily {
  const char* model_type;  ///< config.json's
  const char* class_name;  ///< the one of `architectures` that is supported
  Seq2SeqKind kind;
  // Of BART's kind.
  bool norm_first = false;
  bool embeddings_norm = false;
  bool final_norm = false;
  PositionTable positions = PositionTable::kNone;
  int64_t first_position = 0;
  const char* activation = "gelu";  ///< when config.json does not say
};

/// Every family that is supported.
absl::Span<const Seq2SeqFamily> Seq2SeqFamilies();

/// nullptr when there is none of this model_type.
const Seq2SeqFamily* FindSeq2SeqFamily(absl::string_view model_type);

const StackNames& EncoderNames(const Seq2SeqFamily& family, bool gated);
const StackNames& DecoderNames(const Seq2SeqFamily& family, bool gated);

}  // namespace attentiond
