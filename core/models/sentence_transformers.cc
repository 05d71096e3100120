// core/models/sentence_transformers.cc -- reads the library's small JSON files.
#include "core/models/sentence_transformers.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr int64_t kMaxFileBytes = 1 << 20;
constexpr int64_t kMaxWidth = 1 << 17;

// In the order in which the library puts several of them one after the other.
struct NamedMode {
  const char* key;   // of a pooling module's configuration
  const char* name;  // the same where "pooling_mode" says one
  PoolingMode mode;
};
constexpr NamedMode kModes[] = {
    {"pooling_mode_cls_token", "cls", PoolingMode::kCls},
    {"pooling_mode_max_tokens", "max", PoolingMode::kMax},
    {"pooling_mode_mean_tokens", "mean", PoolingMode::kMean},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", PoolingMode::kMeanSqrtLength},
    {"pooling_mode_weightedmean_tokens", "weightedmean", PoolingMode::kWeightedMean},
    {"pooling_mode_lasttoken", "lasttoken", PoolingMode::kLast},
};

struct NamedActivation {
  const char* name;
  Activation activation;
};
constexpr NamedActivation kActivations[] = {
    {"torch.nn.modules.linear.Identity", Activation::kNone},
    {"torch.nn.modules.activation.Tanh", Activation::kTanh},
    {"torch.nn.modules.activation.GELU", Activation::kGeluErf},
    {"torch.nn.modules.activation.ReLU", Activation::kRelu},
    {"torch.nn.modules.activation.SiLU", Activation::kSilu},
};

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::Status CheckWidth(const char* key, int64_t found, int64_t required, absl::string_view whose) {
  if (found == required) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\" is ", found, ", ", whose, " ", required, " is required"));
}

absl::StatusOr<std::vector<PoolingMode>> ParsePooling(const json& config, int64_t hidden_size) {
  ASSIGN_OR_RETURN(const int64_t width, GetInt(config, "word_embedding_dimension", hidden_size));
  RETURN_IF_ERROR(
      CheckWidth("word_embedding_dimension", width, hidden_size, "the encoder's hidden size"));
  ASSIGN_OR_RETURN(const std::string one, GetString(config, "pooling_mode", ""));
  std::vector<PoolingMode> modes;
  for (const auto& [key, value] : config.items()) {
    if (!absl::StartsWith(key, "pooling_mode_") || value != true) continue;
    bool is_known = false;
    for (const NamedMode& mode : kModes) is_known |= key == mode.key;
    if (!is_known) return absl::UnimplementedError(Quoted(key) + " is not supported");
  }
  for (const NamedMode& mode : kModes) {
    if (config.value(mode.key, json(false)) == true || one == mode.name) modes.push_back(mode.mode);
  }
  if (!one.empty() && modes.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("\"pooling_mode\" ", Quoted(one), " is not supported"));
  }
  if (modes.empty()) modes.push_back(PoolingMode::kMean);
  return modes;
}

absl::StatusOr<DenseModuleConfig> ParseDense(const json& config, int64_t inputs) {
  DenseModuleConfig dense;
  ASSIGN_OR_RETURN(dense.inputs, GetInt(config, "in_features", inputs));
  RETURN_IF_ERROR(CheckWidth("in_features", dense.inputs, inputs, "the size of what is before it"));
  ASSIGN_OR_RETURN(dense.outputs, GetInt(config, "out_features", 0));
  if (dense.outputs < 1 || dense.outputs > kMaxWidth) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"out_features\" is ", dense.outputs, ", 1 to ", kMaxWidth, " is required"));
  }
  ASSIGN_OR_RETURN(dense.has_bias, GetBool(config, "bias", true));
  ASSIGN_OR_RETURN(const std::string name,
                   GetString(config, "activation_function", "torch.nn.modules.activation.Tanh"));
  for (const NamedActivation& known : kActivations) {
    if (name != known.name) continue;
    dense.activation = known.activation;
    return dense;
  }
  return absl::UnimplementedError(
      absl::StrCat("\"activation_function\" ", Quoted(name), " is not supported"));
}

/// One module of modules.json.
struct Module {
  std::string type;  // the class, without the names of packages
  std::string path;
};

absl::StatusOr<std::vector<Module>> ReadModules(const std::string& directory) {
  const std::string path = directory + "/modules.json";
  std::vector<Module> modules;
  if (!Exists(path)) {
    modules.push_back({"Transformer", ""});
    for (const char* name : {"Pooling", "Dense"}) {
      const std::string folder = absl::StrCat(modules.size(), "_", name);
      if (Exists(absl::StrCat(directory, "/", folder))) modules.push_back({name, folder});
    }
    return modules;
  }
  ASSIGN_OR_RETURN(const json list, ReadJsonArrayFile(path, kMaxFileBytes));
  for (const json& entry : list) {
    const absl::StatusOr<std::string> type = GetString(entry, "type", "");
    const absl::StatusOr<std::string> folder = GetString(entry, "path", "");
    if (!type.ok()) return Prefixed(path, type.status());
    if (!folder.ok()) return Prefixed(path, folder.status());
    if (absl::StrContains(*folder, "..") || absl::StartsWith(*folder, "/")) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", Quoted(*folder), " is no folder below the model's"));
    }
    modules.push_back({type->substr(type->rfind('.') + 1), *folder});
  }
  return modules;
}

absl::Status ReadModule(const std::string& directory, const Module& module, int64_t* width,
                        SentenceTransformersConfig* config) {
  if (module.type == "Transformer" || module.type == "Normalize") return absl::OkStatus();
  if (module.type != "Pooling" && module.type != "Dense") {
    return absl::UnimplementedError(absl::StrCat(
        directory, "/modules.json: a sentence-transformers module of type ", Quoted(module.type),
        " is not supported (supported: Transformer, Pooling, Dense, Normalize)"));
  }
  const std::string folder = absl::StrCat(directory, "/", module.path);
  const std::string path = folder + "/config.json";
  ASSIGN_OR_RETURN(const json file, ReadJsonFile(path, kMaxFileBytes));
  if (module.type == "Pooling") {
    absl::StatusOr<std::vector<PoolingMode>> modes = ParsePooling(file, *width);
    if (!modes.ok()) return Prefixed(path, modes.status());
    config->pooling = *std::move(modes);
    *width *= static_cast<int64_t>(config->pooling.size());
    const absl::StatusOr<bool> include_prompt = GetBool(file, "include_prompt", true);
    if (!include_prompt.ok()) return Prefixed(path, include_prompt.status());
    if (*include_prompt || config->prompts.empty()) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrCat(path, ": \"include_prompt\" is false, which is not supported, only true"));
  }
  absl::StatusOr<DenseModuleConfig> dense = ParseDense(file, *width);
  if (!dense.ok()) return Prefixed(path, dense.status());
  dense->path = folder;
  *width = dense->outputs;
  config->dense.push_back(*std::move(dense));
  return absl::OkStatus();
}

absl::Status ReadPrompts(const std::string& path, SentenceTransformersConfig* config) {
  if (!Exists(path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const json file, ReadJsonFile(path, kMaxFileBytes));
  const absl::StatusOr<std::string> name = GetString(file, "default_prompt_name", "");
  if (!name.ok()) return Prefixed(path, name.status());
  const auto prompts = file.find("prompts");
  if (prompts != file.end() && prompts->is_object()) {
    for (const auto& [key, text] : prompts->items()) {
      if (!text.is_string()) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": prompt ", Quoted(key), " is not a string"));
      }
      config->prompts[key] = text.get<std::string>();
    }
  }
  config->default_prompt = *name;
  if (name->empty() || config->prompts.contains(*name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": \"default_prompt_name\" is ", Quoted(*name), ", one of \"prompts\" is required"));
}

absl::Status ReadLimits(const std::string& path, SentenceTransformersConfig* config) {
  if (!Exists(path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const json file, ReadJsonFile(path, kMaxFileBytes));
  const absl::StatusOr<int64_t> length = GetInt(file, "max_seq_length", 0);
  if (!length.ok()) return Prefixed(path, length.status());
  if (*length < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": \"max_seq_length\" is ", *length, ", a positive number is required"));
  }
  config->max_length = *length;
  const absl::StatusOr<bool> lowers = GetBool(file, "do_lower_case", false);
  if (!lowers.ok()) return Prefixed(path, lowers.status());
  if (!*lowers) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      path,
      ": \"do_lower_case\" is true, which is not supported, only false; the tokenizer's own "
      "normalizer may lower the case"));
}

}  // namespace

absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    const std::string& directory, int64_t hidden_size) {
  SentenceTransformersConfig config;
  RETURN_IF_ERROR(ReadPrompts(directory + "/config_sentence_transformers.json", &config));
  ASSIGN_OR_RETURN(const std::vector<Module> modules, ReadModules(directory));
  int64_t width = hidden_size;
  for (const Module& module : modules) {
    RETURN_IF_ERROR(ReadModule(directory, module, &width, &config));
  }
  RETURN_IF_ERROR(ReadLimits(directory + "/sentence_bert_config.json", &config));
  return config;
}

}  // namespace attentiond
