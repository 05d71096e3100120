// tests/testing/fake_inference.cc -- the parts, put together.
#include "tests/testing/fake_inference.h"

#include <filesystem>
#include <utility>

namespace attentiond::testing {
namespace {

// Fakes by the last part of their directory; all else is loaded.
ModelRepository::LoadFunction Loader(std::map<std::string, FakeModelOptions> models) {
  return [models = std::move(models)](
             const std::string& directory,
             const LoadOptions& options) -> absl::StatusOr<std::shared_ptr<const Model>> {
    const auto fake = models.find(std::filesystem::path(directory).filename());
    if (fake != models.end()) return MakeFakeModel(fake->second);
    return LoadModel(directory, options);
  };
}

}  // namespace

std::map<std::string, FakeModelOptions> DefaultFakeModels() {
  std::map<std::string, FakeModelOptions> models;
  models["sentiment"].kind = ModelKind::kSequenceClassification;
  models["encoder"].kind = ModelKind::kEmbedding;
  models["layer"].kind = ModelKind::kAttentionLayer;
  models["ids-only"].has_tokenizer = false;
  models["pictures"].kind = ModelKind::kImageClassification;
  models["pixels-only"].kind = ModelKind::kImageClassification;
  models["pixels-only"].has_tokenizer = false;
  return models;
}

FakeInference::FakeInference(const Options& options)
    : metrics_(Metrics::Create({})), scheduler_(std::make_unique<BatchScheduler>(Clock::Real())) {
  ModelRepository::Options models;
  models.batching = options.batching;
  models.repository_directory = directory_.PathOf("repository");
  std::filesystem::create_directory(models.repository_directory);
  for (const auto& [name, fake] : options.models) {
    directory_.Write(name + "/config.json", "{}");
    models.models[name] = directory_.PathOf(name);
  }
  auto fakes = options.models;
  fakes.insert(options.unloaded_models.begin(), options.unloaded_models.end());
  models.load_model = Loader(std::move(fakes));
  repository_ = std::make_unique<ModelRepository>(models, scheduler_.get(), metrics_.get(),
                                                  &threads_, Clock::Real());
  const absl::Status loaded = repository_->LoadAll();
  EXPECT_TRUE(loaded.ok()) << loaded;
  // After the start: known, and loaded when somebody asks for it.
  for (const auto& [name, fake] : options.unloaded_models) {
    directory_.Write("repository/" + name + "/config.json", "{}");
  }
  inference_ = std::make_unique<Inference>(repository_.get(), Clock::Real(), Inference::Options());
}

}  // namespace attentiond::testing
