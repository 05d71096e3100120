#include "core/text/tokenizer_json.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/text/bert_normalizer.h"
#include "core/text/bert_pre_tokenizer.h"
#include "core/text/pipeline_tokenizer.h"
#include "core/text/template_processor.h"
#include "core/text/word_piece.h"
#include "core/text/word_piece_decoder.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

// One kind of a component: its "type" in the file, and what reads the rest of its section.
template <typename Component>
struct Kind {
  absl::string_view type;
  absl::StatusOr<std::unique_ptr<Component>> (*from_json)(const json&);
};

constexpr Kind<Normalizer> kNormalizers[] = {{"BertNormalizer", BertNormalizer::FromJson}};
constexpr Kind<PreTokenizer> kPreTokenizers[] = {{"BertPreTokenizer", BertPreTokenizer::FromJson}};
constexpr Kind<TokenModel> kModels[] = {{"WordPiece", WordPiece::FromJson}};
constexpr Kind<PostProcessor> kPostProcessors[] = {
    {"TemplateProcessing", TemplateProcessor::FromTemplateJson},
    {"BertProcessing", TemplateProcessor::FromBertJson}};
constexpr Kind<Decoder> kDecoders[] = {{"WordPiece", WordPieceDecoder::FromJson}};

absl::Status Prefixed(absl::string_view prefix, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(prefix, ": ", status.message()));
}

// Files written before models had a "type" are told apart by their other fields.
std::string TypeOf(const json& section) {
  const auto type = section.find("type");
  if (type != section.end() && type->is_string()) return type->get_ref<const std::string&>();
  if (section.contains("merges")) return "BPE";
  if (section.contains("max_input_chars_per_word")) return "WordPiece";
  return "";
}

// Builds the component that section `name` of the file describes; null when there is none.
template <typename Component, size_t num_kinds>
absl::StatusOr<std::unique_ptr<Component>> BuildComponent(const json& root, const char* name,
                                                          const Kind<Component> (&kinds)[num_kinds],
                                                          absl::string_view readable_name) {
  const auto section = root.find(name);
  if (section == root.end() || section->is_null()) return nullptr;
  if (!section->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(readable_name, ": is not an object"));
  }
  const std::string type = TypeOf(*section);
  for (const Kind<Component>& kind : kinds) {
    if (kind.type != type) continue;
    auto component = kind.from_json(*section);
    if (!component.ok()) return Prefixed(readable_name, component.status());
    return component;
  }
  return absl::UnimplementedError(absl::StrCat(
      readable_name, " type ", Quoted(type), " is not supported (supported: ",
      absl::StrJoin(kinds, ", ",
                    [](std::string* out, const auto& kind) { absl::StrAppend(out, kind.type); }),
      ")"));
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
                   BuildComponent(json, "normalizer", kNormalizers, "normalizer"));
  ASSIGN_OR_RETURN(parts.pre_tokenizer,
                   BuildComponent(json, "pre_tokenizer", kPreTokenizers, "pre-tokenizer"));
  ASSIGN_OR_RETURN(parts.model, BuildComponent(json, "model", kModels, "model"));
  if (parts.model == nullptr) return absl::InvalidArgumentError("has no \"model\"");
  ASSIGN_OR_RETURN(parts.post_processor,
                   BuildComponent(json, "post_processor", kPostProcessors, "post-processor"));
  ASSIGN_OR_RETURN(parts.decoder, BuildComponent(json, "decoder", kDecoders, "decoder"));

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
