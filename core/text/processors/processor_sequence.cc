#include "core/text/processors/processor_sequence.h"

#include <algorithm>

namespace attentiond {

int64_t ProcessorSequence::num_added_tokens(bool has_pair) const {
  int64_t count = 0;
  for (const auto& step : steps_) count += step->num_added_tokens(has_pair);
  return count;
}

int ProcessorSequence::num_templates() const {
  int count = 0;
  for (const auto& step : steps_) count += step->num_templates();
  return count;
}

bool ProcessorSequence::reads_verbatim() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const auto& step) { return step->reads_verbatim(); });
}

std::vector<int32_t> ProcessorSequence::added_ids() const {
  std::vector<int32_t> all;
  for (const auto& step : steps_) {
    const std::vector<int32_t> ids = step->added_ids();
    all.insert(all.end(), ids.begin(), ids.end());
  }
  return all;
}

void ProcessorSequence::Process(const PostProcessContext& context,
                                std::vector<Encoding>* parts) const {
  for (const auto& step : steps_) step->Process(context, parts);
}

}  // namespace attentiond
