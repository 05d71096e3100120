#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/model.h"
#include "core/engine/text_generator.h"
#include "tests/benchmarks/peers/benchmark_job.h"

namespace attentiond::benchmarks {
namespace {

struct Sizes {
  int64_t batch = 0, beams = 0, source = 0, target = 0;
};

class GenerationJob final : public BenchmarkJob {
 public:
  GenerationJob(std::shared_ptr<const Model> model, const Sizes& sizes)
      : model_(std::move(model)),
        generation_(model_->AsTextGenerator()->NewGeneration(int64_t{1} << 30)) {
    const int64_t vocabulary = model_->info().vocab_size;
    for (int64_t b = 0; b < sizes.batch; ++b) {
      GenerationInput input;
      for (int64_t t = 0; t < sizes.source; ++t) {
        input.source_ids.push_back(
            static_cast<int32_t>(2 + (t * 7919 + b * 104729) % (vocabulary - 3)));
      }
      input.options = model_->AsTextGenerator()->default_options();
      input.options.num_beams = sizes.beams;
      input.options.min_new_tokens = input.options.max_new_tokens = sizes.target;
      inputs_.push_back(std::move(input));
    }
  }

  absl::Status Run(ExecutionContext& context) override {
    results_.assign(inputs_.size(), {});
    for (size_t i = 0; i < inputs_.size(); ++i) {
      generation_->Add(static_cast<int64_t>(i), inputs_[i]);
    }
    while (generation_->num_sequences() > 0) {
      GenerationStep step;
      RETURN_IF_ERROR(generation_->Step(context, &step));
      for (auto& [key, result] : step.finished) {
        results_[static_cast<size_t>(key)] = std::move(result);
      }
    }
    return absl::OkStatus();
  }

  // What is generated is compared with transformers by the engine's tests; this is that the batch
  // at hand gives what a sequence gives alone.
  absl::StatusOr<std::string> Check(ExecutionContext& context) override {
    const std::vector<GenerationResult> together = results_;
    const std::vector<GenerationInput> all = inputs_;
    for (const size_t i : {size_t{0}, all.size() - 1}) {
      inputs_ = {all[i]};
      RETURN_IF_ERROR(Run(context));
      const GeneratedSequence &alone = results_[0].sequences[0],
                              &in_batch = together[i].sequences[0];
      const auto wanted = static_cast<size_t>(all[i].options.max_new_tokens);
      if (alone.ids != in_batch.ids || alone.score != in_batch.score ||
          alone.ids.size() != wanted) {
        return absl::InternalError(absl::StrCat("sequence ", i, " differs from the same alone"));
      }
    }
    inputs_ = all;
    return "two sequences with the same alone, token for token";
  }

 private:
  const std::shared_ptr<const Model> model_;
  const std::unique_ptr<Generation> generation_;
  std::vector<GenerationInput> inputs_;
  std::vector<GenerationResult> results_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeGenerationJob(const nlohmann::json& job) {
  ASSIGN_OR_RETURN(const LoadOptions::Precision precision, PrecisionOf(job.at("dtype")));
  const std::string directory = job.at("model");
  ASSIGN_OR_RETURN(std::shared_ptr<const Model> model,
                   LoadModel(directory, {.precision = precision}));
  if (model->AsTextGenerator() == nullptr) return absl::InvalidArgumentError("writes no text");
  const Sizes sizes{job.at("B"), job.at("beams"), job.at("source"), job.at("target")};
  return std::make_unique<GenerationJob>(std::move(model), sizes);
}

}  // namespace attentiond::benchmarks
