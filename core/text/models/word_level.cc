#include "core/text/models/word_level.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<TokenModel>> WordLevel::FromJson(const nlohmann::json& json) {
  const auto vocab = json.find("vocab");
  if (vocab == json.end()) return absl::InvalidArgumentError("has no \"vocab\"");
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromJson(*vocab));
  ASSIGN_OR_RETURN(const std::string unknown, GetString(json, "unk_token", "<unk>"));
  const std::optional<int32_t> unknown_id = vocabulary.Find(unknown);
  return std::unique_ptr<TokenModel>(new WordLevel(std::move(vocabulary), unknown_id));
}

absl::Status WordLevel::Tokenize(absl::string_view word, std::vector<ModelToken>* tokens) const {
  std::optional<int32_t> id = vocabulary_.Find(word);
  if (!id.has_value()) id = unknown_id_;
  if (!id.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "word ", Quoted(word), " is not in the tokenizer's vocabulary, nor is its unknown token"));
  }
  tokens->push_back({*id, 0, word.size()});
  return absl::OkStatus();
}

}  // namespace attentiond
