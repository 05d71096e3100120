// core/text/translation/language_tokenizer.h -- an ordinary tokenizer whose special tokens name
// languages: mBART, mBART-50, NLLB; and one without languages.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/tokenizer.h"
#include "core/text/tokenizer_config.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {

/// Whether tokenizers of this class name languages.
bool HasLanguageTokens(absl::string_view tokenizer_class);

/// `config`'s class is one of those. A source is its language's token before the text (behind the
/// end: MBartTokenizer, and NllbTokenizer's legacy_behaviour), the text, and the end; a target
/// begins with its language's token. Languages are the tokens that are called like some ("en_XX",
/// "eng_Latn"). kInvalidArgument: there are none.
/// Source: MBartTokenizer, MBart50Tokenizer, NllbTokenizer of huggingface/transformers.
absl::StatusOr<std::unique_ptr<TranslationTokenizer>> MakeLanguageTokenizer(
    std::unique_ptr<Tokenizer> tokenizer, const TokenizerConfig& config);

/// Without languages: T5, BART, GPT-2.
std::unique_ptr<TranslationTokenizer> MakePlainTokenizer(std::unique_ptr<Tokenizer> tokenizer);

}  // namespace attentiond
