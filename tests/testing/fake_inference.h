// tests/testing/fake_inference.h -- repository, scheduler and inference as the server has them,
// over fake models.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/parallel/thread_pool.h"
#include "server/inference/inference.h"
#include "server/metrics/metrics.h"
#include "server/repository/model_repository.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {

/// "sentiment" classifies, "encoder" embeds, "layer" is an attention layer of 4 channels and 3
/// heads, "ids-only" classifies and has no tokenizer; "pictures" classifies pictures, "pixels-only"
/// their pixel values.
std::map<std::string, FakeModelOptions> DefaultFakeModels();

class FakeInference {
 public:
  struct Options {
    /// Loaded. "attention" is there without being named.
    std::map<std::string, FakeModelOptions> models = DefaultFakeModels();
    /// In the repository's directory, and not loaded.
    std::map<std::string, FakeModelOptions> unloaded_models;
    BatchQueueOptions batching;
  };

  FakeInference() : FakeInference(Options()) {}
  explicit FakeInference(const Options& options);

  Metrics& metrics() { return *metrics_; }
  ModelRepository& repository() { return *repository_; }
  Inference& inference() { return *inference_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Metrics> metrics_;
  ThreadPool threads_{1};
  std::unique_ptr<BatchScheduler> scheduler_;
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<Inference> inference_;
};

}  // namespace attentiond::testing
