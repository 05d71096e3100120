#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/engine/model.h"
#include "tests/benchmarks/peers/benchmark_job.h"
#include "tests/benchmarks/peers/job_values.h"

namespace attentiond::benchmarks {
namespace {

using SharedModel = std::shared_ptr<const Model>;

absl::StatusOr<SharedModel> Load(const std::string& directory, LoadOptions::Precision precision) {
  ASSIGN_OR_RETURN(SharedModel model, LoadModel(directory, {.precision = precision}));
  if (model->AsTextEncoder() == nullptr) return absl::InvalidArgumentError("not an encoder");
  return model;
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, a_square = 0, b_square = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    a_square += double{a[i]} * double{a[i]};
    b_square += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(a_square * b_square);
}

class EncoderJob final : public BenchmarkJob {
 public:
  EncoderJob(SharedModel model, std::string directory, const std::vector<int64_t>& lengths)
      : model_(std::move(model)), directory_(std::move(directory)) {
    const int64_t vocabulary = model_->info().vocab_size;
    for (const int64_t length : lengths) {
      std::vector<int32_t>& ids = ids_.emplace_back();
      for (int64_t t = 0; t < length; ++t) {
        ids.push_back(
            static_cast<int32_t>((t + static_cast<int64_t>(ids_.size())) * 7919 % vocabulary));
      }
    }
    rows_.resize(ids_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      rows_[i].ids = ids_[i];
      rows_[i].want_embedding = true;
    }
  }

  absl::Status Run(ExecutionContext& context) override {
    return model_->AsTextEncoder()->Run(rows_, context, &results_);
  }

  // The encoder itself is compared with transformers by its tests; this is that the batch at hand
  // gives what a row gives alone in f32.
  absl::StatusOr<std::string> Check(ExecutionContext& context) override {
    // Rounding to bf16 or int8 in a dozen layers turns a hidden state by a few degrees; a wrong
    // result is as good as orthogonal.
    constexpr double kLeastCosine = 0.95;
    ASSIGN_OR_RETURN(const SharedModel exact, Load(directory_, LoadOptions::Precision::kF32));
    std::vector<EncoderRow> rows = rows_;
    for (EncoderRow& row : rows) row.want_hidden_state = true;
    std::vector<EncoderRowResult> results, alone;
    RETURN_IF_ERROR(model_->AsTextEncoder()->Run(rows, context, &results));
    double least = 1;
    for (const size_t i : {size_t{0}, rows.size() - 1}) {
      RETURN_IF_ERROR(exact->AsTextEncoder()->Run({&rows[i], 1}, context, &alone));
      least = std::min(least, Cosine(results[i].hidden_state, alone[0].hidden_state));
    }
    if (!(least >= kLeastCosine)) {
      return absl::InternalError(absl::StrCat("a row's hidden state has cosine ", least,
                                              " with the same row alone in f32"));
    }
    return absl::StrCat("two rows' hidden states with the same rows alone in f32, cosine ", least);
  }

 private:
  const SharedModel model_;
  const std::string directory_;
  std::vector<std::vector<int32_t>> ids_;
  std::vector<EncoderRow> rows_;
  std::vector<EncoderRowResult> results_;
};

}  // namespace

absl::StatusOr<LoadOptions::Precision> PrecisionOf(const std::string& dtype) {
  const std::map<std::string, LoadOptions::Precision> precisions = {
      {"f32", LoadOptions::Precision::kF32},
      {"bf16", LoadOptions::Precision::kBF16},
      {"int8", LoadOptions::Precision::kInt8}};
  const auto precision = precisions.find(dtype);
  if (precision != precisions.end()) return precision->second;
  return absl::InvalidArgumentError(dtype + ": f32, bf16 or int8 is required");
}

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeEncoderJob(const nlohmann::json& job) {
  const std::string directory = job.at("model");
  ASSIGN_OR_RETURN(const LoadOptions::Precision precision, PrecisionOf(job.at("dtype")));
  ASSIGN_OR_RETURN(SharedModel model, Load(directory, precision));
  return std::make_unique<EncoderJob>(std::move(model), directory,
                                      job.at("lengths").get<std::vector<int64_t>>());
}

}  // namespace attentiond::benchmarks
