#include "core/text/vocab_merges.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

using nlohmann::json;
using SpecialToken = TokenizerConfig::SpecialToken;

constexpr absl::string_view kGpt2 = "GPT2Tokenizer";
constexpr absl::string_view kQwen2 = "Qwen2Tokenizer";
constexpr absl::string_view kClasses[] = {"RobertaTokenizer",    "BartTokenizer", "LEDTokenizer",
                                          "LongformerTokenizer", kGpt2,           kQwen2};

constexpr SpecialToken kCls = {"cls_token", "<s>", true};
constexpr SpecialToken kSep = {"sep_token", "</s>", true};
constexpr SpecialToken kRobertaTokens[] = {{"bos_token", "<s>", false},
                                           {"pad_token", "<pad>", false},
                                           {"eos_token", "</s>", false},
                                           {"unk_token", "<unk>", false},
                                           {"mask_token", "<mask>", false, /*lstrip=*/true},
                                           kCls,
                                           kSep};
constexpr SpecialToken kGptTokens[] = {{"bos_token", "<|endoftext|>", false},
                                       {"eos_token", "<|endoftext|>", false},
                                       {"unk_token", "<|endoftext|>", false},
                                       {"pad_token", "<|endoftext|>", false}};

constexpr char kQwen2Words[] =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)re"
    R"re(\s*[\r\n]+|\s+(?!\S)|\s+)re";

absl::StatusOr<json> ParseMerges(absl::string_view text) {
  if (const std::optional<size_t> byte = FindInvalidUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat("is not valid UTF-8 at byte ", *byte));
  }
  json merges = json::array();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view line = absl::StripSuffix(text.substr(0, end), "\r");
    if (!line.empty() && !absl::StartsWith(line, "#version")) merges.push_back(std::string(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return merges;
}

json ByteLevel(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"use_regex", use_regex}};
}

absl::StatusOr<json> RobertaProcessing(const json& vocab, const TokenizerConfig& config,
                                       bool add_prefix_space) {
  ASSIGN_OR_RETURN(const bool trim_offsets, config.Bool("trim_offsets", true));
  ASSIGN_OR_RETURN(const std::string cls, config.Content(kCls));
  ASSIGN_OR_RETURN(const std::string sep, config.Content(kSep));
  return json{{"type", "RobertaProcessing"},
              {"sep", json::array({sep, vocab.at(sep)})},
              {"cls", json::array({cls, vocab.at(cls)})},
              {"trim_offsets", trim_offsets},
              {"add_prefix_space", add_prefix_space}};
}

}  // namespace

absl::StatusOr<json> TokenizerJsonFromMerges(const json& vocab, absl::string_view merges_text,
                                             const TokenizerConfig& config) {
  ASSIGN_OR_RETURN(const std::string name, config.ClassName());
  RETURN_IF_ERROR(CheckTokenizerClass(name, kClasses, "vocab.json and merges.txt"));
  const bool is_gpt = name == kGpt2 || name == kQwen2;
  ASSIGN_OR_RETURN(json merges, ParseMerges(merges_text));
  ASSIGN_OR_RETURN(
      json added_tokens,
      config.AddedTokens(
          is_gpt ? absl::MakeConstSpan(kGptTokens) : absl::MakeConstSpan(kRobertaTokens), vocab));
  ASSIGN_OR_RETURN(const bool add_prefix_space, config.Bool("add_prefix_space", false));
  json result = {{"version", "1.0"},
                 {"added_tokens", std::move(added_tokens)},
                 {"pre_tokenizer", ByteLevel(add_prefix_space, /*use_regex=*/true)},
                 {"decoder", {{"type", "ByteLevel"}}},
                 {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", std::move(merges)}}}};
  if (name == kQwen2) {
    const json split = {{"type", "Split"},
                        {"pattern", {{"Regex", kQwen2Words}}},
                        {"behavior", "Isolated"},
                        {"invert", false}};
    result["normalizer"] = {{"type", "NFC"}};
    result["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers", json::array({split, ByteLevel(add_prefix_space, /*use_regex=*/false)})}};
  }
  if (!is_gpt) {
    ASSIGN_OR_RETURN(result["post_processor"], RobertaProcessing(vocab, config, add_prefix_space));
  }
  return result;
}

}  // namespace attentiond
