// core/models/score_function.cc -- softmax, sigmoid or nothing.
#include "core/models/score_function.h"

#include <cmath>

#include "core/ops/softmax.h"

namespace attentiond {

void ApplyScoreFunction(ScoreFunction function, absl::Span<float> logits) {
  switch (function) {
    case ScoreFunction::kSoftmax:
      Softmax(logits);
      return;
    case ScoreFunction::kSigmoid:
      for (float& value : logits) value = 1.0f / (1.0f + std::exp(-value));
      return;
    case ScoreFunction::kIdentity:
      return;
  }
}

}  // namespace attentiond
