#include "core/text/translation/m2m100_tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/tokenizer_config.h"
#include "core/text/translation/language_codes.h"
#include "core/text/translation/piece_tokenizer.h"
#include "core/text/translation/source_tokens.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr TokenizerConfig::SpecialToken kSpecialTokens[] = {{"bos_token", "<s>", false},
                                                            PieceTokenizer::kEnd,
                                                            {"sep_token", "</s>", false},
                                                            PieceTokenizer::kUnknown,
                                                            {"pad_token", "<pad>", false}};
// Ids that nothing has: the checkpoints' tables of embeddings are so much larger.
constexpr int32_t kNumMadeUpWords = 8;

struct M2m100Parts {
  PieceTokenizer pieces;
  std::vector<std::string> languages;  // in the order of their ids
  std::vector<std::string> language_tokens;
  TranslationLanguages own;  // that the files name; the target "" when they do not
  int64_t model_max_length = 0;
};

class M2m100Tokenizer final : public TranslationTokenizer {
 public:
  explicit M2m100Tokenizer(M2m100Parts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<SourceTokens> EncodeSource(absl::string_view text,
                                            const TranslationLanguages& languages,
                                            const EncodeOptions& options) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    const std::string& source = languages.source.empty() ? parts_.own.source : languages.source;
    std::vector<int32_t> ids;
    RETURN_IF_ERROR(parts_.pieces.Encode(text, &ids));
    return Surround(std::move(ids), {LanguageId(source)}, {parts_.pieces.end_id()}, options);
  }

  absl::StatusOr<std::optional<int32_t>> FirstTargetToken(
      const TranslationLanguages& languages) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    const std::string& target = languages.target.empty() ? parts_.own.target : languages.target;
    if (target.empty()) return std::nullopt;
    return LanguageId(target);
  }

  absl::StatusOr<std::string> DecodeTarget(absl::Span<const int32_t> ids,
                                           bool skip_special_tokens) const override {
    std::vector<DecodedToken> tokens;
    for (const int32_t id : ids) {
      RETURN_IF_ERROR(CheckTokenId(id, vocab_size()));
      const AddedToken* const added = parts_.pieces.added_tokens().Find(id);
      const bool special = (added != nullptr && added->special) || IsLanguage(id);
      if (special && skip_special_tokens) continue;
      // What no token has is written as the unknown one, which is no special id for all that.
      const bool is_unknown = added == nullptr && parts_.pieces.vocabulary().Token(id).empty();
      tokens.push_back({TargetToken(id), special || is_unknown});
    }
    ASSIGN_OR_RETURN(const std::string text, JoinPieces(parts_.pieces.file(), tokens, ""));
    return std::string(StripWhiteSpace(text));
  }

  std::vector<std::string> source_languages() const override { return parts_.languages; }
  std::vector<std::string> target_languages() const override { return parts_.languages; }

  absl::string_view TargetToken(int32_t id) const override {
    if (IsLanguage(id)) return parts_.language_tokens[static_cast<size_t>(id - first_language())];
    const AddedToken* const added = parts_.pieces.added_tokens().Find(id);
    if (added != nullptr) return added->content;
    const absl::string_view token = parts_.pieces.vocabulary().Token(id);
    return token.empty() ? parts_.pieces.vocabulary().Token(parts_.pieces.unknown_id()) : token;
  }
  int32_t vocab_size() const override {
    return first_language() + static_cast<int32_t>(parts_.languages.size()) + kNumMadeUpWords;
  }
  int64_t model_max_length() const override { return parts_.model_max_length; }

 private:
  int32_t first_language() const { return parts_.pieces.vocabulary().size(); }
  bool IsLanguage(int32_t id) const {
    return id >= first_language() &&
           id < first_language() + static_cast<int32_t>(parts_.languages.size());
  }
  // `language` is one.
  int32_t LanguageId(const std::string& language) const {
    const auto found = std::find(parts_.languages.begin(), parts_.languages.end(), language);
    return first_language() + static_cast<int32_t>(found - parts_.languages.begin());
  }
  absl::Status CheckLanguages(const TranslationLanguages& languages) const {
    RETURN_IF_ERROR(CheckLanguage("source_lang", languages.source, parts_.languages));
    return CheckLanguage("target_lang", languages.target, parts_.languages);
  }

  M2m100Parts parts_;
};

absl::Status ReadLanguages(const TokenizerConfig& config, M2m100Parts* parts) {
  ASSIGN_OR_RETURN(const std::string codes, config.String("language_codes", "m2m100"));
  if (codes != "m2m100" && codes != "wmt21") {
    return absl::UnimplementedError(absl::StrCat("tokenizer_config.json: \"language_codes\" is ",
                                                 Quoted(codes), ", m2m100 or wmt21 is required"));
  }
  for (const absl::string_view code : codes == "wmt21" ? Wmt21Languages() : M2m100Languages()) {
    parts->languages.emplace_back(code);
    parts->language_tokens.push_back(absl::StrCat("__", code, "__"));
  }
  ASSIGN_OR_RETURN(parts->own.source, config.String("src_lang", "en"));
  ASSIGN_OR_RETURN(parts->own.target, config.String("tgt_lang", ""));
  RETURN_IF_ERROR(
      CheckLanguage("tokenizer_config.json: \"src_lang\"", parts->own.source, parts->languages));
  return CheckLanguage("tokenizer_config.json: \"tgt_lang\"", parts->own.target, parts->languages);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TranslationTokenizer>> LoadM2m100Tokenizer(
    const std::string& directory) {
  ASSIGN_OR_RETURN(const json config_json, ReadTokenizerConfigFile(directory));
  const TokenizerConfig config(config_json, "m2m_100");
  ASSIGN_OR_RETURN(PieceTokenizer pieces,
                   PieceTokenizer::Load(directory, "sentencepiece.bpe.model", config,
                                        kSpecialTokens, PieceTokenizer::Prefix::kNone));
  M2m100Parts parts{std::move(pieces), {}, {}, {}, 0};
  RETURN_IF_ERROR(ReadLanguages(config, &parts));
  ASSIGN_OR_RETURN(parts.model_max_length, config.ModelMaxLength());
  return std::make_unique<M2m100Tokenizer>(std::move(parts));
}

}  // namespace attentiond
