// core/text/processors/processor_sequence.h -- post-processors one after the other.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/text/post_processor.h"

namespace attentiond {

class ProcessorSequence final : public PostProcessor {
 public:
  explicit ProcessorSequence(std::vector<std::unique_ptr<PostProcessor>> steps)
      : steps_(std::move(steps)) {}

  int64_t num_added_tokens(bool has_pair) const override;
  int num_templates() const override;
  std::vector<int32_t> added_ids() const override;
  bool reads_verbatim() const override;
  void Process(const PostProcessContext& context, std::vector<Encoding>* parts) const override;

 private:
  std::vector<std::unique_ptr<PostProcessor>> steps_;
};

}  // namespace attentiond
