// core/text/translation/marian_tokenizer.h -- source.spm, target.spm and vocab.json: the tokenizer
// of opus-mt.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {

/// A multilingual model reads the target language as the token ">>fr<<" before the text; it may be
/// in the text already, and is put there when TranslationLanguages::target says "fr".
/// kInvalidArgument, kNotFound: names the file and what is wrong.
/// Source: MarianTokenizer of huggingface/transformers (which does not normalize punctuation).
absl::StatusOr<std::unique_ptr<TranslationTokenizer>> LoadMarianTokenizer(
    const std::string& directory);

}  // namespace attentiond
