#include "core/text/sentence_piece_files.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/component_factories.h"
#include "core/text/models/sentence_piece.h"
#include "core/text/translation/language_codes.h"

namespace attentiond {
namespace {

using nlohmann::json;
using SpecialToken = TokenizerConfig::SpecialToken;

// The tokens of a model, and which of them the file's pieces are.
struct Layout {
  std::vector<std::string> tokens;
  std::vector<int32_t> ids;        // by piece
  std::vector<std::string> added;  // special tokens besides the class's own
};

void AppendPieces(const std::vector<std::string>& pieces, size_t first, Layout* layout) {
  for (size_t i = first; i < pieces.size(); ++i) {
    layout->ids[i] = static_cast<int32_t>(layout->tokens.size());
    layout->tokens.push_back(pieces[i]);
  }
}

// Fairseq's: its own special tokens, then the pieces after <unk>, <s>, </s>, then the mask.
Layout XlmRobertaLayout(const std::vector<std::string>& pieces) {
  Layout layout = {{"<s>", "<pad>", "</s>", "<unk>"}, std::vector<int32_t>(pieces.size(), 3), {}};
  for (const auto& [piece, id] : {std::pair<size_t, int32_t>{1, 0}, {2, 2}}) {
    if (piece < pieces.size()) layout.ids[piece] = id;
  }
  AppendPieces(pieces, 3, &layout);
  layout.tokens.push_back("<mask>");
  return layout;
}

// XLM-RoBERTa's, with languages before the mask.
Layout LanguageLayout(const std::vector<std::string>& pieces,
                      absl::Span<const absl::string_view> languages) {
  Layout layout = XlmRobertaLayout(pieces);
  layout.tokens.pop_back();
  for (const absl::string_view language : languages) layout.added.emplace_back(language);
  layout.tokens.insert(layout.tokens.end(), layout.added.begin(), layout.added.end());
  layout.tokens.push_back("<mask>");
  return layout;
}

// The pieces come after four tokens, of which three are not used; <unk> is the fourth.
Layout CamembertLayout(const std::vector<std::string>& pieces) {
  Layout layout = {{"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"},
                   std::vector<int32_t>(pieces.size(), 3),
                   {}};
  AppendPieces(pieces, 1, &layout);
  layout.tokens.push_back("<mask>");
  return layout;
}

// The pieces, and sentinels in falling order.
Layout T5Layout(const std::vector<std::string>& pieces, int64_t num_sentinels) {
  Layout layout = {{}, std::vector<int32_t>(pieces.size(), 0), {}};
  AppendPieces(pieces, 0, &layout);
  for (int64_t i = num_sentinels; i-- > 0;) {
    layout.added.push_back(absl::StrCat("<extra_id_", i, ">"));
    layout.tokens.push_back(layout.added.back());
  }
  return layout;
}

// The pieces, and the mask when it is none of them.
Layout DebertaLayout(const std::vector<std::string>& pieces) {
  Layout layout = T5Layout(pieces, 0);
  if (std::find(pieces.begin(), pieces.end(), "[MASK]") == pieces.end()) {
    layout.tokens.push_back("[MASK]");
  }
  return layout;
}

constexpr SpecialToken kFairseqTokens[] = {{"bos_token", "<s>", false},
                                           {"eos_token", "</s>", false},
                                           {"cls_token", "<s>", true},
                                           {"sep_token", "</s>", true},
                                           {"unk_token", "<unk>", true},
                                           {"pad_token", "<pad>", false},
                                           {"mask_token", "<mask>", false, /*lstrip=*/true}};
constexpr SpecialToken kT5Tokens[] = {
    {"eos_token", "</s>", true}, {"unk_token", "<unk>", true}, {"pad_token", "<pad>", false}};
constexpr SpecialToken kDebertaTokens[] = {{"cls_token", "[CLS]", true},
                                           {"sep_token", "[SEP]", true},
                                           {"unk_token", "[UNK]", true},
                                           {"pad_token", "[PAD]", false},
                                           {"mask_token", "[MASK]", false}};

struct TokenizerClass {
  absl::string_view name;
  Layout (*layout)(const std::vector<std::string>& pieces);
  absl::Span<const SpecialToken> special;
  // What surrounds a text and its pair: keys of special tokens, "A" and "B"; a token after "B" has
  // B's type.
  std::vector<const char*> single;
  std::vector<const char*> pair;
  int pair_type_id;
};

const std::vector<TokenizerClass>& Classes() {
  static const auto* const classes = new std::vector<TokenizerClass>{
      {"XLMRobertaTokenizer",
       XlmRobertaLayout,
       kFairseqTokens,
       {"cls_token", "A", "sep_token"},
       {"cls_token", "A", "sep_token", "sep_token", "B", "sep_token"},
       0},
      {"CamembertTokenizer",
       CamembertLayout,
       kFairseqTokens,
       {"cls_token", "A", "sep_token"},
       {"cls_token", "A", "sep_token", "sep_token", "B", "sep_token"},
       0},
      {"T5Tokenizer",
       [](const std::vector<std::string>& pieces) { return T5Layout(pieces, 100); },
       kT5Tokens,
       {"A", "eos_token"},
       {"A", "eos_token", "B", "eos_token"},
       0},
      {"MBartTokenizer",
       [](const std::vector<std::string>& pieces) {
         return LanguageLayout(pieces, MBartLanguages());
       },
       kFairseqTokens,
       {"A", "eos_token"},
       {"A", "B", "eos_token"},
       0},
      {"MBart50Tokenizer",
       [](const std::vector<std::string>& pieces) {
         return LanguageLayout(pieces, MBart50Languages());
       },
       kFairseqTokens,
       {"A", "eos_token"},
       {"A", "B", "eos_token"},
       0},
      {"NllbTokenizer",
       [](const std::vector<std::string>& pieces) {
         return LanguageLayout(pieces, NllbLanguages());
       },
       kFairseqTokens,
       {"A", "eos_token"},
       {"A", "B", "eos_token"},
       0},
      {"DebertaV2Tokenizer",
       DebertaLayout,
       kDebertaTokens,
       {"cls_token", "A", "sep_token"},
       {"cls_token", "A", "sep_token", "B", "sep_token"},
       1},
  };
  return *classes;
}

absl::StatusOr<const TokenizerClass*> FindClass(const TokenizerConfig& config) {
  ASSIGN_OR_RETURN(const std::string name, config.ClassName());
  std::vector<absl::string_view> names;
  for (const TokenizerClass& each : Classes()) {
    if (each.name == name) return &each;
    names.push_back(each.name);
  }
  return CheckTokenizerClass(name, names, "a SentencePiece model");
}

// A template of TemplateProcessing.
absl::StatusOr<json> Template(const std::vector<const char*>& elements, const TokenizerClass& which,
                              const TokenizerConfig& config) {
  json list = json::array();
  int type_id = 0;
  for (const absl::string_view element : elements) {
    if (element == "B") type_id = which.pair_type_id;
    if (element == "A" || element == "B") {
      list.push_back({{"Sequence", {{"id", std::string(element)}, {"type_id", type_id}}}});
      continue;
    }
    const auto token =
        std::find_if(which.special.begin(), which.special.end(),
                     [element](const SpecialToken& special) { return element == special.key; });
    ASSIGN_OR_RETURN(const std::string content, config.Content(*token));
    list.push_back({{"SpecialToken", {{"id", content}, {"type_id", type_id}}}});
  }
  return list;
}

absl::StatusOr<json> Processor(const TokenizerClass& which, const TokenizerConfig& config,
                               const json& vocab) {
  ASSIGN_OR_RETURN(json single, Template(which.single, which, config));
  ASSIGN_OR_RETURN(json pair, Template(which.pair, which, config));
  json special_tokens = json::object();
  for (const SpecialToken& token : which.special) {
    ASSIGN_OR_RETURN(const std::string content, config.Content(token));
    const auto id = vocab.find(content);
    if (id == vocab.end()) continue;
    special_tokens[content] = {
        {"id", content}, {"ids", json::array({*id})}, {"tokens", json::array({content})}};
  }
  return json{{"type", "TemplateProcessing"},
              {"single", std::move(single)},
              {"pair", std::move(pair)},
              {"special_tokens", std::move(special_tokens)}};
}

// Spaces for the visible ones, but none at the beginning; bytes as characters.
json DecoderSteps() {
  const json spaces = {{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}};
  const json strip = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
  return {
      {"type", "Sequence"},
      {"decoders", json::array({spaces, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}, strip})}};
}

}  // namespace

absl::StatusOr<TokenizerParts> PartsFromSentencePiece(absl::string_view bytes,
                                                      const TokenizerConfig& config) {
  ASSIGN_OR_RETURN(const TokenizerClass* const which, FindClass(config));
  std::unique_ptr<SentencePieceFile> file = SentencePieceFile::Parse({bytes.data(), bytes.size()});
  if (file == nullptr) return absl::InvalidArgumentError("is not a SentencePiece model");
  Layout layout = which->layout(file->Pieces());
  json vocab = json::object();
  for (size_t id = 0; id < layout.tokens.size(); ++id) vocab[layout.tokens[id]] = id;

  TokenizerParts parts;
  ASSIGN_OR_RETURN(json added_tokens, config.AddedTokens(which->special, vocab));
  const auto is_listed = [&added_tokens](const std::string& token) {
    return std::any_of(added_tokens.begin(), added_tokens.end(), [&token](const json& listed) {
      return listed.value("content", json()) == json(token);
    });
  };
  for (const std::string& token : layout.added) {
    if (is_listed(token)) continue;
    added_tokens.push_back(
        {{"id", vocab[token]}, {"content", token}, {"special", true}, {"normalized", false}});
  }
  ASSIGN_OR_RETURN(const json processor, Processor(*which, config, vocab));
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromTokens(layout.tokens));
  parts.model = std::make_unique<SentencePieceModel>(std::move(file), std::move(vocabulary),
                                                     std::move(layout.ids));
  ASSIGN_OR_RETURN(parts.post_processor, BuildPostProcessor(processor, parts.model->vocabulary()));
  ASSIGN_OR_RETURN(parts.decoder, BuildDecoder(DecoderSteps()));
  ASSIGN_OR_RETURN(parts.added_tokens,
                   AddedTokens::FromJson(added_tokens, parts.model->vocabulary(),
                                         /*normalizer=*/nullptr));
  return parts;
}

}  // namespace attentiond
