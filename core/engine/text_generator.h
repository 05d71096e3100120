// core/engine/text_generator.h -- models that write text: translations, captions.
//
// Public header of core/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/generate/generation.h"
#include "core/generate/generation_options.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {

class ImageProcessor;

/// Threads: every method may be called concurrently.
class TextGenerator {
 public:
  virtual ~TextGenerator() = default;

  /// What generation_config.json says (or, without it, config.json).
  virtual const GenerationOptions& default_options() const = 0;
  /// Most tokens of a source text; 0: the source is an image.
  virtual int64_t max_source_length() const = 0;
  /// Most new tokens.
  virtual int64_t max_target_length() const = 0;
  /// kInvalidArgument names the field, what was found and what is required.
  virtual absl::Status Validate(const GenerationInput& input) const = 0;

  /// Of text models; nullptr when the checkpoint has no tokenizer files.
  virtual const TranslationTokenizer* translation_tokenizer() const { return nullptr; }
  /// Of image models: what makes a picture GenerationInput::pixels.
  virtual const ImageProcessor* image_processor() const { return nullptr; }
  /// Text of the tokens that a sequence has, without special ones.
  virtual absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const = 0;

  /// How the vocabulary writes one token; empty when it has none.
  virtual std::string TokenText(int32_t id) const = 0;

  /// A batch with at most `cache_bytes` of pages, but at least what one sequence of the greatest
  /// length takes. The model must outlive it.
  virtual std::unique_ptr<Generation> NewGeneration(int64_t cache_bytes) const = 0;
};

}  // namespace attentiond
