// core/models/sentence_transformers.cc -- reads the library's two small JSON files.
#include "core/models/sentence_transformers.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxFileBytes = 1 << 20;
constexpr char kModePrefix[] = "pooling_mode_";
constexpr char kMeanMode[] = "pooling_mode_mean_tokens";
constexpr char kClsMode[] = "pooling_mode_cls_token";

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::StatusOr<Pooling> ReadPooling(const std::string& path, int64_t hidden_size) {
  ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonFile(path, kMaxFileBytes));
  const auto in_file = [&path](absl::StatusCode code, absl::string_view message) {
    return absl::Status(code, absl::StrCat(path, ": ", message));
  };
  const absl::StatusOr<int64_t> width = GetInt(json, "word_embedding_dimension", hidden_size);
  if (!width.ok()) return in_file(width.status().code(), width.status().message());
  if (*width != hidden_size) {
    return in_file(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("\"word_embedding_dimension\" is ", *width,
                                ", the encoder's hidden size ", hidden_size, " is required"));
  }
  std::string chosen;
  for (const auto& [key, value] : json.items()) {
    if (!absl::StartsWith(key, kModePrefix) || value != true) continue;
    if (!chosen.empty() || (key != kMeanMode && key != kClsMode)) {
      return in_file(absl::StatusCode::kUnimplemented,
                     absl::StrCat(Quoted(key), chosen.empty() ? "" : absl::StrCat(" with ", chosen),
                                  " is not supported, only one of ", kMeanMode, " and ", kClsMode));
    }
    chosen = key;
  }
  return chosen == kClsMode ? Pooling::kCls : Pooling::kMean;
}

absl::StatusOr<int64_t> ReadMaxLength(const std::string& path) {
  ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonFile(path, kMaxFileBytes));
  const absl::StatusOr<int64_t> length = GetInt(json, "max_seq_length", 0);
  if (length.ok() && *length >= 0) return length;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ",
      length.ok()
          ? absl::StrCat("\"max_seq_length\" is ", *length, ", a positive number is required")
          : length.status().message()));
}

}  // namespace

absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    const std::string& directory, int64_t hidden_size) {
  SentenceTransformersConfig config;
  const std::string pooling = directory + "/1_Pooling/config.json";
  if (Exists(pooling)) {
    ASSIGN_OR_RETURN(config.pooling, ReadPooling(pooling, hidden_size));
  }
  if (Exists(directory + "/2_Dense")) {
    return absl::UnimplementedError(
        absl::StrCat(directory, "/2_Dense: a sentence-transformers Dense module is not supported"));
  }
  const std::string limits = directory + "/sentence_bert_config.json";
  if (Exists(limits)) {
    ASSIGN_OR_RETURN(config.max_length, ReadMaxLength(limits));
  }
  return config;
}

}  // namespace attentiond
