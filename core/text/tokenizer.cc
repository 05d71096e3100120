#include "core/text/tokenizer.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/tokenizer_json.h"
#include "core/text/vocab_txt.h"
#include "core/weights/json_file.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

absl::StatusOr<int64_t> ModelMaxLength(const std::string& path, const json& config) {
  // transformers writes 1e30 for "no limit"; no model attends to a billion tokens.
  constexpr double kNoLimit = 1e9;
  const auto length = GetDouble(config, "model_max_length", kNoLimit);
  if (!length.ok()) return InFile(path, length.status());
  if (*length < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": \"model_max_length\" is ", *length, ", at least 1 is required"));
  }
  return *length >= kNoLimit ? 0 : static_cast<int64_t>(*length);
}

absl::StatusOr<json> ReadVocab(const std::string& path, const json& config) {
  constexpr int64_t kMaxBytes = int64_t{256} << 20;
  ASSIGN_OR_RETURN(const RegularFile file, RegularFile::Open(path));
  if (file.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", file.size(), " bytes, at most ", kMaxBytes, " are allowed"));
  }
  ASSIGN_OR_RETURN(const std::string vocab, file.ReadAll());
  auto contents = TokenizerJsonFromVocab(vocab, config);
  if (!contents.ok()) return InFile(path, contents.status());
  return contents;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  const std::string config_path = absl::StrCat(directory, "/tokenizer_config.json");
  json config = json::object();
  if (Exists(config_path)) {
    ASSIGN_OR_RETURN(config, ReadJsonFile(config_path));
  }
  ASSIGN_OR_RETURN(const int64_t model_max_length, ModelMaxLength(config_path, config));

  std::string path = absl::StrCat(directory, "/tokenizer.json");
  json contents;
  if (Exists(path)) {
    ASSIGN_OR_RETURN(contents, ReadJsonFile(path));
  } else {
    path = absl::StrCat(directory, "/vocab.txt");
    if (!Exists(path)) {
      return absl::NotFoundError(absl::StrCat(directory, ": no tokenizer.json and no vocab.txt"));
    }
    ASSIGN_OR_RETURN(contents, ReadVocab(path, config));
  }
  auto tokenizer = BuildTokenizer(contents, model_max_length);
  if (!tokenizer.ok()) return InFile(path, tokenizer.status());
  return tokenizer;
}

}  // namespace attentiond
