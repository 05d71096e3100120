#include "core/text/translation_tokenizer.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/tokenizer_config.h"
#include "core/text/translation/language_tokenizer.h"
#include "core/text/translation/m2m100_tokenizer.h"
#include "core/text/translation/marian_tokenizer.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<TranslationTokenizer>> TranslationTokenizer::Load(
    const std::string& directory) {
  const auto exists = [&directory](const char* name) {
    std::error_code error;
    return std::filesystem::exists(absl::StrCat(directory, "/", name), error);
  };
  if (exists("source.spm")) return LoadMarianTokenizer(directory);
  ASSIGN_OR_RETURN(const nlohmann::json config_json, ReadTokenizerConfigFile(directory));
  ASSIGN_OR_RETURN(std::string model_type, ReadModelType(directory));
  const bool is_m2m100 = model_type == "m2m_100";
  const TokenizerConfig config(config_json, std::move(model_type));
  ASSIGN_OR_RETURN(const std::string name, config.ClassName());
  if (name == "M2M100Tokenizer" ||
      (is_m2m100 && exists("vocab.json") && !exists("tokenizer.json"))) {
    return LoadM2m100Tokenizer(directory);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Load(directory));
  if (HasLanguageTokens(name)) return MakeLanguageTokenizer(std::move(tokenizer), config);
  return MakePlainTokenizer(std::move(tokenizer));
}

}  // namespace attentiond
