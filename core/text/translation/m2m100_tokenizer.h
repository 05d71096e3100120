// core/text/translation/m2m100_tokenizer.h -- vocab.json and sentencepiece.bpe.model: the tokenizer
// of M2M-100.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {

/// A source is its language's token, the text, and the end; a target begins with its language's
/// token. Those come after the vocabulary's, in the order of language_codes.h. Decoding leaves them
/// out with the special ones, whether or not the files call them special.
/// kInvalidArgument, kNotFound: names the file and what is wrong.
/// Source: M2M100Tokenizer of huggingface/transformers.
absl::StatusOr<std::unique_ptr<TranslationTokenizer>> LoadM2m100Tokenizer(
    const std::string& directory);

}  // namespace attentiond
