// BuildTokenModel (core/text/component_factories.h).
#include <array>

#include "core/text/component_factories.h"
#include "core/text/component_json.h"
#include "core/text/models/bpe.h"
#include "core/text/models/unigram.h"
#include "core/text/models/word_level.h"
#include "core/text/models/word_piece.h"

namespace attentiond {
namespace {

constexpr std::array<ComponentKind<TokenModel>, 4> kKinds = {{
    {"WordPiece", WordPiece::FromJson},
    {"BPE", Bpe::FromJson},
    {"Unigram", Unigram::FromJson},
    {"WordLevel", WordLevel::FromJson},
}};

// Files written before models had a "type" are told apart by their other fields.
absl::StatusOr<std::string> TypeOf(const nlohmann::json& section) {
  const char* guess = "";
  if (section.contains("merges")) {
    guess = "BPE";
  } else if (section.contains("max_input_chars_per_word")) {
    guess = "WordPiece";
  } else if (section.contains("unk_id")) {
    guess = "Unigram";
  } else if (section.contains("unk_token") && section.contains("vocab")) {
    guess = "WordLevel";
  }
  return GetString(section, "type", guess);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenModel>> BuildTokenModel(const nlohmann::json& section) {
  ASSIGN_OR_RETURN(const std::string type, TypeOf(section));
  ASSIGN_OR_RETURN(const ComponentKind<TokenModel> kind, FindKind(kKinds, type));
  return kind.from_json(section);
}

}  // namespace attentiond
