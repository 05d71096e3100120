#include "core/text/vocab_txt.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

using nlohmann::json;
using SpecialToken = TokenizerConfig::SpecialToken;

// Those whose fast form BertConverter makes.
constexpr absl::string_view kClasses[] = {
    "BertTokenizer",     "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
    "LayoutLMTokenizer", "LxmertTokenizer",   "MobileBertTokenizer", "SqueezeBertTokenizer"};

constexpr SpecialToken kUnknown = {"unk_token", "[UNK]", true};
constexpr SpecialToken kSeparator = {"sep_token", "[SEP]", true};
constexpr SpecialToken kClassification = {"cls_token", "[CLS]", true};
constexpr SpecialToken kSpecialTokens[] = {kUnknown,
                                           kSeparator,
                                           {"pad_token", "[PAD]", false},
                                           kClassification,
                                           {"mask_token", "[MASK]", false}};

absl::StatusOr<json> ParseVocab(absl::string_view text) {
  if (const std::optional<size_t> byte = FindInvalidUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat("is not valid UTF-8 at byte ", *byte));
  }
  json vocab = json::object();
  for (uint64_t id = 0; !text.empty(); ++id) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view line = absl::StripSuffix(text.substr(0, end), "\r");
    vocab[std::string(line)] = id;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return vocab;
}

absl::StatusOr<json> Normalizer(const TokenizerConfig& config) {
  ASSIGN_OR_RETURN(const bool lowercase, config.Bool("do_lower_case", true));
  ASSIGN_OR_RETURN(const bool chinese, config.Bool("tokenize_chinese_chars", true));
  return json{{"type", "BertNormalizer"},
              {"clean_text", true},
              {"handle_chinese_chars", chinese},
              {"strip_accents", config.Field("strip_accents")},
              {"lowercase", lowercase}};
}

}  // namespace

absl::StatusOr<json> TokenizerJsonFromVocab(absl::string_view vocab_text,
                                            const TokenizerConfig& config) {
  ASSIGN_OR_RETURN(const std::string name, config.ClassName());
  if (!name.empty()) RETURN_IF_ERROR(CheckTokenizerClass(name, kClasses, "vocab.txt"));
  ASSIGN_OR_RETURN(json vocab, ParseVocab(vocab_text));
  ASSIGN_OR_RETURN(json added_tokens, config.AddedTokens(kSpecialTokens, vocab));
  ASSIGN_OR_RETURN(json normalizer, Normalizer(config));
  ASSIGN_OR_RETURN(const std::string unknown, config.Content(kUnknown));
  ASSIGN_OR_RETURN(const std::string separator, config.Content(kSeparator));
  ASSIGN_OR_RETURN(const std::string classification, config.Content(kClassification));
  json post_processor = {{"type", "BertProcessing"},
                         {"sep", json::array({separator, vocab.at(separator)})},
                         {"cls", json::array({classification, vocab.at(classification)})}};
  json model = {{"type", "WordPiece"},
                {"unk_token", unknown},
                {"continuing_subword_prefix", "##"},
                {"max_input_chars_per_word", 100},
                {"vocab", std::move(vocab)}};
  return json{{"version", "1.0"},
              {"added_tokens", std::move(added_tokens)},
              {"normalizer", std::move(normalizer)},
              {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
              {"post_processor", std::move(post_processor)},
              {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
              {"model", std::move(model)}};
}

}  // namespace attentiond
