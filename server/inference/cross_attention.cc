#include "server/inference/cross_attention.h"

#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace attentiond {

absl::StatusOr<std::vector<float>> MeanCrossAttention(const GenerationResult& result) {
  const size_t maps = static_cast<size_t>(result.cross_layers * result.cross_heads);
  const auto source = static_cast<size_t>(result.source_length);
  const size_t tokens = result.sequences.empty() ? 0 : result.sequences.front().ids.size();
  if (maps == 0 || result.cross_attentions.size() != tokens * maps * source) {
    return absl::InternalError(absl::StrCat("the model gave ", result.cross_attentions.size(),
                                            " cross-attentions for ", tokens, " tokens, ", maps,
                                            " heads and ", source, " source tokens"));
  }
  std::vector<float> mean(tokens * source);
  for (size_t token = 0; token < tokens; ++token) {
    for (size_t i = 0; i < source; ++i) {
      double sum = 0;
      for (size_t map = 0; map < maps; ++map) {
        sum += double{result.cross_attentions[(token * maps + map) * source + i]};
      }
      mean[token * source + i] = static_cast<float>(sum / static_cast<double>(maps));
    }
  }
  return mean;
}

int64_t PatchGridSide(int64_t source_length) {
  if (source_length < 1) return 0;
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(source_length)));
  for (const int64_t candidate : {side, side - 1}) {
    const int64_t others = source_length - candidate * candidate;
    if (candidate > 0 && others >= 0 && others <= 2) return candidate;
  }
  return 0;
}

}  // namespace attentiond
