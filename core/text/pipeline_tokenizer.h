// core/text/pipeline_tokenizer.h -- a tokenizer put together from steps: added tokens, normalizer,
// pre-tokenizer, model, post-processor, and a decoder for the way back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/text/added_tokens.h"
#include "core/text/decoder.h"
#include "core/text/normalizer.h"
#include "core/text/post_processor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/token_model.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// Only the model must be there: without a normalizer text stays as it is, without a pre-tokenizer
/// it is one word, without a post-processor nothing is added, without a decoder tokens are joined
/// with spaces.
struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<TokenModel> model;
  std::unique_ptr<PostProcessor> post_processor;
  std::unique_ptr<Decoder> decoder;
  AddedTokens added_tokens;
  int64_t model_max_length = 0;
};

/// Source: Tokenizer (tokenizer/mod.rs) of huggingface/tokenizers.
class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts);

  absl::StatusOr<Encoding> Encode(absl::string_view text, std::optional<absl::string_view> pair,
                                  const EncodeOptions& options) const override;
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids,
                                     bool skip_special_tokens) const override;

  absl::string_view Token(int32_t id) const override;
  int32_t vocab_size() const override { return vocab_size_; }
  int64_t model_max_length() const override { return parts_.model_max_length; }

 private:
  class TokenSink;

  // The tokens of one text, without special ones around it.
  absl::Status EncodeText(absl::string_view text, TokenSink* sink) const;
  absl::Status EncodeBetweenAddedTokens(AlignedText text, TokenSink* sink) const;
  absl::Status EncodeWords(AlignedText text, TokenSink* sink) const;

  TokenizerParts parts_;
  int32_t vocab_size_;
};

}  // namespace attentiond
