// server/grpc/attention_service_list_models.cc -- ListModels: what the server has, and what each
// model takes.
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/engine/text_generator.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"

namespace attentiond {
namespace {

v1::ModelState ToState(const std::string& state) {
  if (state == "READY") return v1::MODEL_STATE_READY;
  if (state == "LOADING") return v1::MODEL_STATE_LOADING;
  if (state == "UNLOADING") return v1::MODEL_STATE_UNLOADING;
  return v1::MODEL_STATE_UNAVAILABLE;
}

v1::ModelKind ToKind(ModelKind kind) {
  switch (kind) {
    case ModelKind::kAttentionLayer:
      return v1::MODEL_KIND_ATTENTION_LAYER;
    case ModelKind::kSequenceClassification:
      return v1::MODEL_KIND_SEQUENCE_CLASSIFICATION;
    case ModelKind::kTokenClassification:
      return v1::MODEL_KIND_TOKEN_CLASSIFICATION;
    case ModelKind::kEmbedding:
      return v1::MODEL_KIND_EMBEDDING;
    case ModelKind::kImageClassification:
      return v1::MODEL_KIND_IMAGE_CLASSIFICATION;
    case ModelKind::kTranslation:
      return v1::MODEL_KIND_TRANSLATION;
    case ModelKind::kCaptioning:
      return v1::MODEL_KIND_CAPTIONING;
  }
  return v1::MODEL_KIND_UNSPECIFIED;
}

void Describe(const LoadedModel& model, v1::ModelDescription* description) {
  for (const absl::string_view method : MethodsFor(model)) {
    description->add_methods(method.data(), method.size());
  }
  if (model.is_builtin_attention()) {
    description->set_kind(v1::MODEL_KIND_ATTENTION);
    description->set_dtype(v1::DATA_TYPE_FP32);
    return;
  }
  const ModelInfo& info = model.model->info();
  description->set_kind(ToKind(info.kind));
  description->set_architecture(info.architecture);
  description->set_dtype(ToProto(info.compute));
  description->set_max_length(info.max_length);
  description->mutable_labels()->Assign(info.labels.begin(), info.labels.end());
  for (const auto& [name, text] : info.prompts) description->add_prompts(name);
  const TextGenerator* const generator = model.model->AsTextGenerator();
  if (generator != nullptr && generator->translation_tokenizer() != nullptr) {
    const TranslationTokenizer& tokenizer = *generator->translation_tokenizer();
    for (std::string& name : tokenizer.source_languages()) {
      description->add_source_languages(std::move(name));
    }
    for (std::string& name : tokenizer.target_languages()) {
      description->add_target_languages(std::move(name));
    }
  }
  description->set_num_layers(info.num_layers);
  description->set_num_heads(info.num_heads);
  description->set_hidden_size(info.hidden_size);
  description->set_parameter_bytes(static_cast<int64_t>(info.weight_bytes));
}

}  // namespace

absl::Status StartListModels(const ListModelsCall::Pointer& call) {
  using Key = std::pair<std::string, std::string>;  // name, version
  std::map<Key, std::shared_ptr<LoadedModel>> ready;
  for (auto& model : call->environment.repository->Ready()) {
    ready.emplace(Key(model->name, model->version), std::move(model));
  }
  std::map<Key, v1::ModelDescription> descriptions;
  for (const ModelIndexEntry& entry : call->environment.repository->Index()) {
    if (call->request.ready_only() && entry.state != "READY") continue;
    const Key key(entry.name, entry.version);
    v1::ModelDescription& description = descriptions[key];
    description.set_name(entry.name);
    description.set_version(entry.version);
    description.set_state(ToState(entry.state));
    description.set_reason(entry.reason);
    // Loaded and listed are read one after the other: a model may have come or gone in between.
    if (const auto loaded = ready.find(key); loaded != ready.end()) {
      Describe(*loaded->second, &description);
    }
  }
  for (auto& [key, description] : descriptions) {
    *call->response.add_models() = std::move(description);
  }
  SetTiming(CallTiming(), call->response.mutable_timing());
  call->Reply(absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace attentiond
