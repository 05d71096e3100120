#include "core/text/vocab_txt.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

// Those whose fast form BertConverter makes; each may end in "Fast".
constexpr absl::string_view kClasses[] = {
    "BertTokenizer",     "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
    "LayoutLMTokenizer", "LxmertTokenizer",   "MobileBertTokenizer", "SqueezeBertTokenizer"};

struct SpecialToken {
  const char* key;
  const char* fallback;
  bool required;
};
constexpr SpecialToken kUnknown = {"unk_token", "[UNK]", true};
constexpr SpecialToken kSeparator = {"sep_token", "[SEP]", true};
constexpr SpecialToken kClassification = {"cls_token", "[CLS]", true};
constexpr SpecialToken kSpecialTokens[] = {kUnknown,
                                           kSeparator,
                                           {"pad_token", "[PAD]", false},
                                           kClassification,
                                           {"mask_token", "[MASK]", false}};

absl::Status CheckClass(const json& config) {
  ASSIGN_OR_RETURN(const std::string name,
                   GetString(config, "tokenizer_class", std::string(kClasses[0])));
  const absl::string_view stem = absl::StripSuffix(name, "Fast");
  if (std::find(std::begin(kClasses), std::end(kClasses), stem) != std::end(kClasses)) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(
      absl::StrCat("tokenizer_config.json: \"tokenizer_class\" ", Quoted(name),
                   " is not supported with vocab.txt (supported: ", absl::StrJoin(kClasses, ", "),
                   "; any class with a tokenizer.json)"));
}

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

// A special token is a string, or an object with the string as its "content".
absl::StatusOr<std::string> Content(const json& config, const SpecialToken& token) {
  const auto value = config.find(token.key);
  const bool is_object = value != config.end() && value->is_object();
  auto content = is_object ? GetString(*value, "content", token.fallback)
                           : GetString(config, token.key, token.fallback);
  if (!content.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokenizer_config.json: ", content.status().message()));
  }
  return content;
}

// tokenizer_config.json's added_tokens_decoder, {"id": token}, as tokenizer.json lists them.
absl::StatusOr<json> AddedTokensDecoder(const json& config) {
  json list = json::array();
  const auto decoder = config.find("added_tokens_decoder");
  if (decoder == config.end()) return list;
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

bool HasContent(const json& list, const std::string& content) {
  return std::any_of(list.begin(), list.end(), [&content](const json& token) {
    return token.value("content", json()) == json(content);
  });
}

absl::StatusOr<json> AddedTokens(const json& config, const json& vocab) {
  ASSIGN_OR_RETURN(json list, AddedTokensDecoder(config));
  for (const SpecialToken& token : kSpecialTokens) {
    ASSIGN_OR_RETURN(const std::string content, Content(config, token));
    const auto id = vocab.find(content);
    if (id == vocab.end() && token.required) {
      return absl::InvalidArgumentError(
          absl::StrCat("does not have the ", token.key, " ", Quoted(content)));
    }
    if (id == vocab.end() || HasContent(list, content)) continue;
    list.push_back({{"id", *id}, {"content", content}, {"special", true}, {"normalized", false}});
  }
  return list;
}

absl::StatusOr<json> Normalizer(const json& config) {
  const auto lowercase = GetBool(config, "do_lower_case", true);
  const auto chinese = GetBool(config, "tokenize_chinese_chars", true);
  for (const absl::Status& status : {lowercase.status(), chinese.status()}) {
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("tokenizer_config.json: ", status.message()));
    }
  }
  return json{{"type", "BertNormalizer"},
              {"clean_text", true},
              {"handle_chinese_chars", *chinese},
              {"strip_accents", config.value("strip_accents", json())},
              {"lowercase", *lowercase}};
}

}  // namespace

absl::StatusOr<json> TokenizerJsonFromVocab(absl::string_view vocab_text, const json& config) {
  RETURN_IF_ERROR(CheckClass(config));
  ASSIGN_OR_RETURN(json vocab, ParseVocab(vocab_text));
  ASSIGN_OR_RETURN(json added_tokens, AddedTokens(config, vocab));
  ASSIGN_OR_RETURN(json normalizer, Normalizer(config));
  ASSIGN_OR_RETURN(const std::string unknown, Content(config, kUnknown));
  ASSIGN_OR_RETURN(const std::string separator, Content(config, kSeparator));
  ASSIGN_OR_RETURN(const std::string classification, Content(config, kClassification));
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
