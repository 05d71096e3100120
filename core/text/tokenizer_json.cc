#include "core/text/tokenizer_json.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/text/component_factories.h"
#include "core/text/pipeline_tokenizer.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

// Builds the component that section `name` of the file describes; null when there is none.
template <typename Build>
auto BuildComponent(const json& root, const char* name, absl::string_view readable_name,
                    Build build) -> decltype(build(root)) {
  const auto section = root.find(name);
  if (section == root.end() || section->is_null()) return nullptr;
  if (!section->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(readable_name, ": is not an object"));
  }
  auto component = build(*section);
  if (!component.ok()) return Prefixed(readable_name, component.status());
  return component;
}

// Every token that the post-processor adds must be one that the model can be given.
absl::Status CheckAddedIds(const TokenizerParts& parts) {
  if (parts.post_processor == nullptr) return absl::OkStatus();
  for (const int32_t id : parts.post_processor->added_ids()) {
    if (parts.model->vocabulary().Token(id).empty() && parts.added_tokens.Find(id) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("post-processor: id ", id, " is not in the vocabulary"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> BuildTokenizer(const json& json,
                                                          int64_t model_max_length) {
  ASSIGN_OR_RETURN(const std::string version, GetString(json, "version", "1.0"));
  if (version != "1.0") {
    return absl::UnimplementedError(
        absl::StrCat("version ", Quoted(version), " is not supported (supported: 1.0)"));
  }
  TokenizerParts parts;
  ASSIGN_OR_RETURN(parts.normalizer,
                   BuildComponent(json, "normalizer", "normalizer", BuildNormalizer));
  ASSIGN_OR_RETURN(parts.pre_tokenizer,
                   BuildComponent(json, "pre_tokenizer", "pre-tokenizer", BuildPreTokenizer));
  ASSIGN_OR_RETURN(parts.model, BuildComponent(json, "model", "model", BuildTokenModel));
  if (parts.model == nullptr) return absl::InvalidArgumentError("has no \"model\"");
  const auto build_post_processor = [&parts](const nlohmann::json& section) {
    return BuildPostProcessor(section, parts.model->vocabulary());
  };
  ASSIGN_OR_RETURN(parts.post_processor,
                   BuildComponent(json, "post_processor", "post-processor", build_post_processor));
  ASSIGN_OR_RETURN(parts.decoder, BuildComponent(json, "decoder", "decoder", BuildDecoder));

  const auto added = json.find("added_tokens");
  auto added_tokens = AddedTokens::FromJson(added == json.end() ? nlohmann::json() : *added,
                                            parts.model->vocabulary(), parts.normalizer.get());
  if (!added_tokens.ok()) return Prefixed("added tokens", added_tokens.status());
  parts.added_tokens = *std::move(added_tokens);
  RETURN_IF_ERROR(CheckAddedIds(parts));
  parts.model_max_length = model_max_length;
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace attentiond
