// BuildPreTokenizer (core/text/component_factories.h).
#include <array>
#include <utility>

#include "core/text/component_factories.h"
#include "core/text/component_json.h"
#include "core/text/pre_tokenizers/bert_pre_tokenizer.h"
#include "core/text/pre_tokenizers/byte_level.h"
#include "core/text/pre_tokenizers/character_split.h"
#include "core/text/pre_tokenizers/metaspace.h"
#include "core/text/pre_tokenizers/pattern_split.h"

namespace attentiond {
namespace {

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  static absl::StatusOr<std::unique_ptr<PreTokenizer>> FromJson(const nlohmann::json& section) {
    ASSIGN_OR_RETURN(auto steps,
                     BuildSequence<PreTokenizer>(section, "pretokenizers", BuildPreTokenizer));
    return std::make_unique<PreTokenizerSequence>(std::move(steps));
  }

  absl::Status PreTokenize(PreTokenizedText* text) const override {
    for (const auto& step : steps_) RETURN_IF_ERROR(step->PreTokenize(text));
    return absl::OkStatus();
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

constexpr std::array<ComponentKind<PreTokenizer>, 10> kKinds = {{
    {"BertPreTokenizer", BertPreTokenizer::FromJson},
    {"ByteLevel", ByteLevelPreTokenizer::FromJson},
    {"Metaspace", Metaspace::FromJson},
    {"Whitespace", WhitespacePreTokenizer::FromJson},
    {"WhitespaceSplit", CharacterSplit::WhitespaceSplit},
    {"Split", PatternSplit::FromJson},
    {"Punctuation", CharacterSplit::Punctuation},
    {"Digits", CharacterSplit::Digits},
    {"CharDelimiterSplit", CharacterSplit::Delimiter},
    {"Sequence", PreTokenizerSequence::FromJson},
}};

}  // namespace

absl::StatusOr<std::unique_ptr<PreTokenizer>> BuildPreTokenizer(const nlohmann::json& section) {
  ASSIGN_OR_RETURN(const std::string type, GetString(section, "type", ""));
  ASSIGN_OR_RETURN(const ComponentKind<PreTokenizer> kind, FindKind(kKinds, type));
  return kind.from_json(section);
}

}  // namespace attentiond
