#include "core/text/translation/language_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/translation/source_tokens.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr absl::string_view kMBart = "MBartTokenizer";
constexpr absl::string_view kMBart50 = "MBart50Tokenizer";
constexpr absl::string_view kNllb = "NllbTokenizer";

// "en_XX", "eng_Latn": 2 or 3 lower-case letters, an underscore, 2 to 4 letters.
bool LooksLikeLanguage(absl::string_view token) {
  const size_t underscore = token.find('_');
  if (underscore != 2 && underscore != 3) return false;
  const absl::string_view region = token.substr(underscore + 1);
  return region.size() >= 2 && region.size() <= 4 &&
         std::all_of(token.begin(), token.begin() + underscore, absl::ascii_islower) &&
         std::all_of(region.begin(), region.end(), absl::ascii_isalpha) &&
         absl::ascii_isupper(static_cast<unsigned char>(region[0]));
}

struct Language {
  std::string name;
  int32_t id = 0;
};

struct LanguageParts {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<Language> languages;
  int32_t end_id = 0;
  bool language_is_last = false;  // of a source
  TranslationLanguages own;       // that the files name; the target "" when they do not
};

class LanguageTokenizer final : public TranslationTokenizer {
 public:
  explicit LanguageTokenizer(LanguageParts parts) : parts_(std::move(parts)) {
    for (const Language& language : parts_.languages) names_.push_back(language.name);
  }

  absl::StatusOr<SourceTokens> EncodeSource(absl::string_view text,
                                            const TranslationLanguages& languages,
                                            const EncodeOptions& options) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    const int32_t language = Id(languages.source.empty() ? parts_.own.source : languages.source);
    ASSIGN_OR_RETURN(Encoding encoding,
                     parts_.tokenizer->Encode(text, std::nullopt, {.add_special_tokens = false}));
    if (parts_.language_is_last) {
      return Surround(std::move(encoding.ids), {}, {parts_.end_id, language}, options);
    }
    return Surround(std::move(encoding.ids), {language}, {parts_.end_id}, options);
  }

  absl::StatusOr<std::optional<int32_t>> FirstTargetToken(
      const TranslationLanguages& languages) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    const std::string& target = languages.target.empty() ? parts_.own.target : languages.target;
    if (target.empty()) return std::nullopt;
    return Id(target);
  }

  absl::StatusOr<std::string> DecodeTarget(absl::Span<const int32_t> ids,
                                           bool skip_special_tokens) const override {
    return parts_.tokenizer->Decode(ids, skip_special_tokens);
  }

  std::vector<std::string> source_languages() const override { return names_; }
  std::vector<std::string> target_languages() const override { return names_; }
  absl::string_view TargetToken(int32_t id) const override { return parts_.tokenizer->Token(id); }
  int32_t vocab_size() const override { return parts_.tokenizer->vocab_size(); }
  int64_t model_max_length() const override { return parts_.tokenizer->model_max_length(); }

 private:
  // `name` is a language's.
  int32_t Id(const std::string& name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    return parts_.languages[static_cast<size_t>(found - names_.begin())].id;
  }
  absl::Status CheckLanguages(const TranslationLanguages& languages) const {
    RETURN_IF_ERROR(CheckLanguage("source_lang", languages.source, names_));
    return CheckLanguage("target_lang", languages.target, names_);
  }

  LanguageParts parts_;
  std::vector<std::string> names_;
};

class PlainTokenizer final : public TranslationTokenizer {
 public:
  explicit PlainTokenizer(std::unique_ptr<Tokenizer> tokenizer)
      : tokenizer_(std::move(tokenizer)) {}

  absl::StatusOr<SourceTokens> EncodeSource(absl::string_view text,
                                            const TranslationLanguages& languages,
                                            const EncodeOptions& options) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    ASSIGN_OR_RETURN(Encoding encoding, tokenizer_->Encode(text, std::nullopt, options));
    return SourceTokens{std::move(encoding.ids), encoding.truncated_tokens};
  }
  absl::StatusOr<std::optional<int32_t>> FirstTargetToken(
      const TranslationLanguages& languages) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    return std::nullopt;
  }
  absl::StatusOr<std::string> DecodeTarget(absl::Span<const int32_t> ids,
                                           bool skip_special_tokens) const override {
    return tokenizer_->Decode(ids, skip_special_tokens);
  }
  std::vector<std::string> source_languages() const override { return {}; }
  std::vector<std::string> target_languages() const override { return {}; }
  absl::string_view TargetToken(int32_t id) const override { return tokenizer_->Token(id); }
  int32_t vocab_size() const override { return tokenizer_->vocab_size(); }
  int64_t model_max_length() const override { return tokenizer_->model_max_length(); }

 private:
  static absl::Status CheckLanguages(const TranslationLanguages& languages) {
    RETURN_IF_ERROR(CheckLanguage("source_lang", languages.source, {}));
    return CheckLanguage("target_lang", languages.target, {});
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

}  // namespace

bool HasLanguageTokens(absl::string_view tokenizer_class) {
  return tokenizer_class == kMBart || tokenizer_class == kMBart50 || tokenizer_class == kNllb;
}

absl::StatusOr<std::unique_ptr<TranslationTokenizer>> MakeLanguageTokenizer(
    std::unique_ptr<Tokenizer> tokenizer, const TokenizerConfig& config) {
  LanguageParts parts;
  parts.tokenizer = std::move(tokenizer);
  ASSIGN_OR_RETURN(const std::string name, config.ClassName());
  ASSIGN_OR_RETURN(const bool legacy, config.Bool("legacy_behaviour", false));
  parts.language_is_last = name == kMBart || (name == kNllb && legacy);
  ASSIGN_OR_RETURN(const std::string end, config.Content({"eos_token", "</s>", true}));
  std::optional<int32_t> end_id;
  std::vector<std::string> names;
  for (int32_t id = 0; id < parts.tokenizer->vocab_size(); ++id) {
    const absl::string_view token = parts.tokenizer->Token(id);
    if (token == end) end_id = id;
    if (!LooksLikeLanguage(token)) continue;
    parts.languages.push_back({std::string(token), id});
    names.emplace_back(token);
  }
  if (!end_id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tokenizer does not have the eos_token ", Quoted(end)));
  }
  parts.end_id = *end_id;
  if (names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has no token of a language (such as en_XX or eng_Latn)"));
  }
  ASSIGN_OR_RETURN(parts.own.source,
                   config.String("src_lang", name == kNllb ? "eng_Latn" : "en_XX"));
  ASSIGN_OR_RETURN(parts.own.target, config.String("tgt_lang", ""));
  RETURN_IF_ERROR(CheckLanguage("tokenizer_config.json: \"src_lang\"", parts.own.source, names));
  RETURN_IF_ERROR(CheckLanguage("tokenizer_config.json: \"tgt_lang\"", parts.own.target, names));
  return std::make_unique<LanguageTokenizer>(std::move(parts));
}

std::unique_ptr<TranslationTokenizer> MakePlainTokenizer(std::unique_ptr<Tokenizer> tokenizer) {
  return std::make_unique<PlainTokenizer>(std::move(tokenizer));
}

}  // namespace attentiond
