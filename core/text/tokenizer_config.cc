#include "core/text/tokenizer_config.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

struct ModelClass {
  absl::string_view model_type;
  absl::string_view tokenizer_class;
};
constexpr ModelClass kClasses[] = {
    {"bart", "BartTokenizer"},
    {"bert", "BertTokenizer"},
    {"camembert", "CamembertTokenizer"},
    {"deberta-v2", "DebertaV2Tokenizer"},
    {"distilbert", "DistilBertTokenizer"},
    {"electra", "ElectraTokenizer"},
    {"gpt2", "GPT2Tokenizer"},
    {"led", "LEDTokenizer"},
    {"longformer", "LongformerTokenizer"},
    {"m2m_100", "NllbTokenizer"},
    {"mbart", "MBartTokenizer"},
    {"qwen2", "Qwen2Tokenizer"},
    {"qwen3", "Qwen2Tokenizer"},
    {"roberta", "RobertaTokenizer"},
    {"t5", "T5Tokenizer"},
    {"xlm-roberta", "XLMRobertaTokenizer"},
};

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::Status InFile(const absl::Status& status) {
  return Prefixed("tokenizer_config.json", status);
}

bool HasContent(const json& list, const std::string& content) {
  return std::any_of(list.begin(), list.end(), [&content](const json& token) {
    return token.value("content", json()) == json(content);
  });
}

}  // namespace

absl::StatusOr<std::string> TokenizerConfig::ClassName() const {
  const auto name = GetString(config_, "tokenizer_class", "");
  if (!name.ok()) return InFile(name.status());
  if (!name->empty()) return std::string(absl::StripSuffix(*name, "Fast"));
  for (const auto& [model_type, tokenizer_class] : kClasses) {
    if (model_type == model_type_) return std::string(tokenizer_class);
  }
  return std::string();
}

absl::StatusOr<bool> TokenizerConfig::Bool(const char* key, bool fallback) const {
  const auto value = GetBool(config_, key, fallback);
  if (!value.ok()) return InFile(value.status());
  return value;
}

absl::StatusOr<std::string> TokenizerConfig::String(const char* key,
                                                    const std::string& fallback) const {
  auto value = GetString(config_, key, fallback);
  if (!value.ok()) return InFile(value.status());
  return value;
}

absl::StatusOr<int64_t> TokenizerConfig::ModelMaxLength() const {
  // transformers writes 1e30 for "no limit"; no model attends to a billion tokens.
  constexpr double kNoLimit = 1e9;
  const auto length = GetDouble(config_, "model_max_length", kNoLimit);
  if (!length.ok()) return InFile(length.status());
  if (*length < 1) {
    return InFile(absl::InvalidArgumentError(
        absl::StrCat("\"model_max_length\" is ", *length, ", at least 1 is required")));
  }
  return *length >= kNoLimit ? 0 : static_cast<int64_t>(*length);
}

// A special token is a string, or an object with the string as its "content".
absl::StatusOr<std::string> TokenizerConfig::Content(const SpecialToken& token) const {
  const auto value = config_.find(token.key);
  const bool is_object = value != config_.end() && value->is_object();
  auto content = is_object ? GetString(*value, "content", token.fallback)
                           : GetString(config_, token.key, token.fallback);
  if (!content.ok()) return InFile(content.status());
  return content;
}

// "added_tokens_decoder", {"id": token}, as tokenizer.json lists them.
absl::StatusOr<json> TokenizerConfig::ListedTokens() const {
  json list = json::array();
  const auto decoder = config_.find("added_tokens_decoder");
  if (decoder == config_.end()) return list;
  const absl::Status wrong = absl::InvalidArgumentError(
      "tokenizer_config.json: \"added_tokens_decoder\" is not an object of tokens by id");
  if (!decoder->is_object()) return wrong;
  for (const auto& [key, token] : decoder->items()) {
    int32_t id = 0;
    if (!absl::SimpleAtoi(key, &id) || !token.is_object()) return wrong;
    json entry = token;
    entry["id"] = id;
    list.push_back(std::move(entry));
  }
  return list;
}

absl::StatusOr<json> TokenizerConfig::AddedTokens(absl::Span<const SpecialToken> special,
                                                  const json& vocab) const {
  ASSIGN_OR_RETURN(json list, ListedTokens());
  for (const SpecialToken& token : special) {
    ASSIGN_OR_RETURN(const std::string content, Content(token));
    const auto id = vocab.find(content);
    if (id == vocab.end() && token.required) {
      return absl::InvalidArgumentError(
          absl::StrCat("does not have the ", token.key, " ", Quoted(content)));
    }
    if (id == vocab.end() || HasContent(list, content)) continue;
    const json field = Field(token.key);
    json entry = field.is_object() ? field : json::object();
    if (!field.is_object() && token.lstrip) entry["lstrip"] = true;
    entry.update({{"id", *id}, {"content", content}, {"special", true}});
    if (!entry.contains("normalized")) entry["normalized"] = false;
    list.push_back(std::move(entry));
  }
  return list;
}

absl::StatusOr<json> ReadTokenizerConfigFile(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/tokenizer_config.json");
  if (!Exists(path)) return json::object();
  return ReadJsonFile(path);
}

absl::StatusOr<std::string> ReadModelType(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/config.json");
  if (!Exists(path)) return std::string();
  ASSIGN_OR_RETURN(const json config, ReadJsonFile(path));
  auto type = GetString(config, "model_type", "");
  if (!type.ok()) {
    return absl::Status(type.status().code(), absl::StrCat(path, ": ", type.status().message()));
  }
  return type;
}

absl::Status CheckTokenizerClass(const std::string& name,
                                 absl::Span<const absl::string_view> supported,
                                 absl::string_view file) {
  if (std::find(supported.begin(), supported.end(), name) != supported.end()) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat(
      "tokenizer_config.json: \"tokenizer_class\" ", Quoted(name), " is not supported with ", file,
      " (supported: ", absl::StrJoin(supported, ", "), "; any class with a tokenizer.json)"));
}

}  // namespace attentiond
