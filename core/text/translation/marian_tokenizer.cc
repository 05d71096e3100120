#include "core/text/translation/marian_tokenizer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/text/tokenizer_config.h"
#include "core/text/translation/piece_tokenizer.h"
#include "core/text/translation/source_tokens.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr TokenizerConfig::SpecialToken kSpecialTokens[] = {
    PieceTokenizer::kUnknown, PieceTokenizer::kEnd, {"pad_token", "<pad>", false}};

struct MarianParts {
  PieceTokenizer source;
  /// Of separate vocabularies: the target's, and the model that its pieces are of.
  std::optional<Vocabulary> target_vocabulary;
  std::unique_ptr<SentencePieceFile> target_file;
  std::string source_language;  // that the files name, or ""
  std::string target_language;
  int64_t model_max_length = 0;
};

class MarianTokenizer final : public TranslationTokenizer {
 public:
  explicit MarianTokenizer(MarianParts parts) : parts_(std::move(parts)) {
    for (const auto& [token, id] : parts_.source.vocabulary().Entries()) {
      if (parts_.target_vocabulary.has_value()) break;
      if (token.size() > 4 && absl::StartsWith(token, ">>") && absl::EndsWith(token, "<<")) {
        codes_.emplace_back(token.substr(2, token.size() - 4));
      }
    }
  }

  absl::StatusOr<SourceTokens> EncodeSource(absl::string_view text,
                                            const TranslationLanguages& languages,
                                            const EncodeOptions& options) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    std::vector<int32_t> prefix;
    if (!codes_.empty() && !languages.target.empty()) {
      prefix.push_back(
          *parts_.source.vocabulary().Find(absl::StrCat(">>", languages.target, "<<")));
    }
    std::vector<int32_t> ids;
    RETURN_IF_ERROR(parts_.source.Encode(text, &ids));
    return Surround(std::move(ids), prefix, {parts_.source.end_id()}, options);
  }

  absl::StatusOr<std::optional<int32_t>> FirstTargetToken(
      const TranslationLanguages& languages) const override {
    RETURN_IF_ERROR(CheckLanguages(languages));
    return std::nullopt;
  }

  absl::StatusOr<std::string> DecodeTarget(absl::Span<const int32_t> ids,
                                           bool skip_special_tokens) const override {
    std::vector<DecodedToken> tokens;
    for (const int32_t id : ids) {
      RETURN_IF_ERROR(CheckTokenId(id, vocab_size()));
      const AddedToken* const added = parts_.source.added_tokens().Find(id);
      const bool special = added != nullptr && added->special;
      if (special && skip_special_tokens) continue;
      tokens.push_back({TargetToken(id), special});
    }
    ASSIGN_OR_RETURN(std::string text, JoinPieces(target_file(), tokens, " "));
    absl::StrReplaceAll({{"\u2581", " "}}, &text);
    return std::string(StripWhiteSpace(text));
  }

  std::vector<std::string> source_languages() const override {
    return ListOf(parts_.source_language);
  }
  std::vector<std::string> target_languages() const override {
    return codes_.empty() ? ListOf(parts_.target_language) : codes_;
  }

  absl::string_view TargetToken(int32_t id) const override {
    const AddedToken* const added = parts_.source.added_tokens().Find(id);
    if (added != nullptr) return added->content;
    return target_vocabulary().Token(id);
  }
  int32_t vocab_size() const override { return target_vocabulary().size(); }
  int64_t model_max_length() const override { return parts_.model_max_length; }

 private:
  static std::vector<std::string> ListOf(const std::string& language) {
    if (language.empty()) return {};
    return {language};
  }

  absl::Status CheckLanguages(const TranslationLanguages& languages) const {
    RETURN_IF_ERROR(CheckLanguage("source_lang", languages.source, source_languages()));
    return CheckLanguage("target_lang", languages.target, target_languages());
  }

  const Vocabulary& target_vocabulary() const {
    return parts_.target_vocabulary.has_value() ? *parts_.target_vocabulary
                                                : parts_.source.vocabulary();
  }
  // With one vocabulary transformers joins the target's pieces as the source's model would, which
  // differs only in pieces that the two models treat differently.
  const SentencePieceFile& target_file() const {
    return parts_.target_file != nullptr ? *parts_.target_file : parts_.source.file();
  }

  MarianParts parts_;
  std::vector<std::string> codes_;  // target languages of a multilingual model
};

}  // namespace

absl::StatusOr<std::unique_ptr<TranslationTokenizer>> LoadMarianTokenizer(
    const std::string& directory) {
  const auto in = [&directory](const char* name) { return absl::StrCat(directory, "/", name); };
  ASSIGN_OR_RETURN(const json config_json, ReadTokenizerConfigFile(directory));
  const TokenizerConfig config(config_json, "marian");
  ASSIGN_OR_RETURN(PieceTokenizer source,
                   PieceTokenizer::Load(directory, "source.spm", config, kSpecialTokens,
                                        PieceTokenizer::Prefix::kCode));
  ASSIGN_OR_RETURN(std::unique_ptr<SentencePieceFile> target_file,
                   LoadSentencePieceFile(in("target.spm")));
  MarianParts parts{std::move(source), std::nullopt, nullptr, "", "", 0};
  ASSIGN_OR_RETURN(const bool separate, config.Bool("separate_vocabs", false));
  if (separate) {
    ASSIGN_OR_RETURN(const json target_vocab, ReadJsonFile(in("target_vocab.json")));
    auto target = Vocabulary::FromJson(target_vocab);
    if (!target.ok()) return Prefixed(in("target_vocab.json"), target.status());
    parts.target_vocabulary = *std::move(target);
    parts.target_file = std::move(target_file);
  }
  ASSIGN_OR_RETURN(parts.source_language, config.String("source_lang", ""));
  ASSIGN_OR_RETURN(parts.target_language, config.String("target_lang", ""));
  ASSIGN_OR_RETURN(parts.model_max_length, config.ModelMaxLength());
  return std::make_unique<MarianTokenizer>(std::move(parts));
}

}  // namespace attentiond
