// core/engine/image_classifier.h -- models that say what is in a picture.
//
// Public header of core/.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/ops/execution_context.h"

namespace attentiond {

class ImageProcessor;

/// Threads: Run by one thread per context.
class ImageClassifier {
 public:
  virtual ~ImageClassifier() = default;
  /// What makes pixel values of pictures (core/vision/image_processor.h); nullptr when the
  /// checkpoint has no preprocessor_config.json.
  virtual const ImageProcessor* image_processor() const = 0;
  /// `pixels`: of each picture [3, height, width] as ModelInfo::image says, normalised as the model
  /// wants it. logits->size() becomes pixels.size(); each is [labels]. A picture's logits do not
  /// depend on the others.
  virtual absl::Status Run(absl::Span<const float* const> pixels, ExecutionContext& context,
                           std::vector<std::vector<float>>* logits) const = 0;
};

}  // namespace attentiond
