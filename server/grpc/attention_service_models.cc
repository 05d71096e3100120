// server/grpc/attention_service_models.cc -- kinds of models against needs of RPCs.
#include "server/grpc/attention_service_models.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/engine/text_generator.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

bool IsAttention(const LoadedModel& model) { return model.is_builtin_attention(); }

bool HasTokenizer(const LoadedModel& model) {
  const TextEncoder* const encoder =
      model.is_builtin_attention() ? nullptr : model.model->AsTextEncoder();
  return encoder != nullptr && encoder->tokenizer() != nullptr;
}

bool IsClassifier(const LoadedModel& model) {
  return HasTokenizer(model) && model.model->info().kind == ModelKind::kSequenceClassification;
}

bool IsEmbedder(const LoadedModel& model) {
  return HasTokenizer(model) && model.model->info().kind == ModelKind::kEmbedding;
}

bool Translates(const LoadedModel& model) {
  const TextGenerator* const generator =
      model.is_builtin_attention() ? nullptr : model.model->AsTextGenerator();
  return generator != nullptr && generator->translation_tokenizer() != nullptr;
}

bool Captions(const LoadedModel& model) {
  return !model.is_builtin_attention() && model.model->AsTextGenerator() != nullptr &&
         model.model->info().kind == ModelKind::kCaptioning;
}

absl::string_view Describe(const LoadedModel& model) {
  if (model.is_builtin_attention()) return "the built-in raw attention";
  switch (model.model->info().kind) {
    case ModelKind::kAttentionLayer:
      return "an attention layer";
    case ModelKind::kSequenceClassification:
      return HasTokenizer(model) ? "a sequence classification model"
                                 : "a sequence classification model without a tokenizer";
    case ModelKind::kTokenClassification:
      return "a token classification model";
    case ModelKind::kEmbedding:
      return HasTokenizer(model) ? "an embedding model" : "an embedding model without a tokenizer";
    case ModelKind::kImageClassification:
      return "an image classification model";
    case ModelKind::kTranslation:
      return Translates(model) ? "a translation model" : "a translation model without a tokenizer";
    case ModelKind::kCaptioning:
      return "an image captioning model";
  }
  return "of another kind";
}

absl::Status NameMissing(const ModelRepository& repository, const ModelNeed& need) {
  std::vector<std::string> names;
  for (const auto& model : repository.Ready()) {
    if (need.is_met(*model)) names.push_back(model->name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return FieldError(
      "model", absl::StrCat("empty, required the name of ", need.description,
                            "; loaded: ", names.empty() ? "none" : absl::StrJoin(names, ", ")));
}

}  // namespace

const ModelNeed kAttendNeed = {"Attend", "the built-in raw attention", &IsAttention};
const ModelNeed kClassifyNeed = {"Classify", "a sequence classification model with a tokenizer",
                                 &IsClassifier};
const ModelNeed kEmbedNeed = {"Embed", "an embedding model with a tokenizer", &IsEmbedder};
const ModelNeed kExplainNeed = {"Explain", "a text encoder with a tokenizer", &HasTokenizer};
const ModelNeed kTranslateNeed = {"Translate", "a translation model with a tokenizer", &Translates};
const ModelNeed kCaptionNeed = {"Caption", "an image captioning model", &Captions};
const ModelNeed kTokenizeNeed = {"Tokenize", "a text encoder with a tokenizer", &HasTokenizer};

std::vector<absl::string_view> MethodsFor(const LoadedModel& model) {
  std::vector<absl::string_view> methods;
  for (const ModelNeed* need : {&kAttendNeed, &kClassifyNeed, &kEmbedNeed, &kExplainNeed,
                                &kTranslateNeed, &kCaptionNeed, &kTokenizeNeed}) {
    if (need->is_met(model)) methods.push_back(need->method);
  }
  return methods;
}

absl::StatusOr<std::shared_ptr<LoadedModel>> FindModel(const ServiceEnvironment& environment,
                                                       UnaryReactor* reactor, const ModelNeed& need,
                                                       const std::string& name,
                                                       const std::string& version) {
  std::shared_ptr<LoadedModel> model;
  const absl::Status status = FindModel(environment, need, name, version, &model);
  if (model != nullptr) reactor->SetModel(model);
  if (!status.ok()) return status;
  return model;
}

absl::Status FindModel(const ServiceEnvironment& environment, const ModelNeed& need,
                       const std::string& name, const std::string& version,
                       std::shared_ptr<LoadedModel>* model) {
  if (name.empty()) return NameMissing(*environment.repository, need);
  ASSIGN_OR_RETURN(*model, environment.repository->Get(name, version));
  if (need.is_met(**model)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("model: \"", name, "\" is ", Describe(**model),
                                                    ", ", need.method, " needs ",
                                                    need.description));
}

}  // namespace attentiond
