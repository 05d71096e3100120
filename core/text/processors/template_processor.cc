#include "core/text/processors/template_processor.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

bool IsId(const json& value) {
  return value.is_number_unsigned() &&
         value.get<uint64_t>() <= uint64_t{std::numeric_limits<int32_t>::max()};
}

// The ids that the special token `name` stands for.
absl::StatusOr<std::vector<int32_t>> SpecialIds(const std::string& name,
                                                const json& special_tokens) {
  const auto wrong = [&name](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("special token ", Quoted(name), " ", what));
  };
  const auto token = special_tokens.find(name);
  if (token == special_tokens.end()) return wrong("is not in \"special_tokens\"");
  const auto ids = token->is_object() ? token->find("ids") : token->end();
  if (ids == token->end() || !ids->is_array() || ids->empty() ||
      !std::all_of(ids->begin(), ids->end(), IsId)) {
    return wrong("has no \"ids\", a list of non-negative integers");
  }
  return ids->get<std::vector<int32_t>>();
}

// BertProcessing's [token, id].
absl::StatusOr<int32_t> TokenId(const json& object, const char* key) {
  const auto token = object.find(key);
  if (token == object.end() || !token->is_array() || token->size() != 2 || !IsId((*token)[1])) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", key, "\" is not a token and its id, as in [\"[SEP]\", 102]"));
  }
  return (*token)[1].get<int32_t>();
}

Encoding SpecialTokens(const std::vector<int32_t>& ids, int32_t type_id) {
  Encoding encoding;
  encoding.ids = ids;
  encoding.type_ids.assign(ids.size(), type_id);
  encoding.offsets.resize(ids.size());
  encoding.sequence.assign(ids.size(), -1);
  return encoding;
}

}  // namespace

absl::StatusOr<TemplateProcessor::Piece> TemplateProcessor::ParsePiece(const json& piece,
                                                                       const json& special_tokens) {
  const bool is_single_object = piece.is_object() && piece.size() == 1;
  const std::string kind = is_single_object ? piece.begin().key() : "";
  if ((kind != "Sequence" && kind != "SpecialToken") || !piece.begin()->is_object()) {
    return absl::InvalidArgumentError("has an element that is no Sequence and no SpecialToken");
  }
  const json& fields = *piece.begin();
  ASSIGN_OR_RETURN(const std::string id, GetString(fields, "id", ""));
  ASSIGN_OR_RETURN(const int64_t type_id, GetInt(fields, "type_id", 0));
  if (type_id < 0 || type_id > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"type_id\" is ", type_id, ", a non-negative 32-bit integer is required"));
  }
  Piece result;
  result.type_id = static_cast<int32_t>(type_id);
  if (kind == "SpecialToken") {
    ASSIGN_OR_RETURN(result.ids, SpecialIds(id, special_tokens));
    return result;
  }
  if (id != "A" && id != "B") {
    return absl::InvalidArgumentError(
        absl::StrCat("has a Sequence ", Quoted(id), ", \"A\" or \"B\" is required"));
  }
  result.sequence = id == "A" ? 0 : 1;
  return result;
}

absl::StatusOr<TemplateProcessor::Template> TemplateProcessor::ParseTemplate(
    const json& json, const char* key, const nlohmann::json& special_tokens) {
  const auto pieces = json.find(key);
  if (pieces == json.end() || !pieces->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is not a list"));
  }
  Template result;
  int uses[2] = {0, 0};
  for (const nlohmann::json& element : *pieces) {
    absl::StatusOr<Piece> piece = ParsePiece(element, special_tokens);
    if (!piece.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("\"", key, "\": ", piece.status().message()));
    }
    if (piece->sequence >= 0) ++uses[piece->sequence];
    result.push_back(*std::move(piece));
  }
  const int pair_uses = key == std::string("pair") ? 1 : 0;
  if (uses[0] != 1 || uses[1] != pair_uses) {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" has Sequence \"A\" ", uses[0],
                                                   " times and \"B\" ", uses[1], " times, 1 and ",
                                                   pair_uses, " are required"));
  }
  return result;
}

absl::StatusOr<std::unique_ptr<PostProcessor>> TemplateProcessor::FromTemplateJson(
    const json& json) {
  const auto special_tokens = json.find("special_tokens");
  if (special_tokens == json.end() || !special_tokens->is_object()) {
    return absl::InvalidArgumentError("\"special_tokens\" is not an object");
  }
  ASSIGN_OR_RETURN(Template single, ParseTemplate(json, "single", *special_tokens));
  ASSIGN_OR_RETURN(Template pair, ParseTemplate(json, "pair", *special_tokens));
  return std::unique_ptr<PostProcessor>(new TemplateProcessor(std::move(single), std::move(pair)));
}

absl::StatusOr<std::unique_ptr<PostProcessor>> TemplateProcessor::FromBertJson(const json& json) {
  ASSIGN_OR_RETURN(const int32_t cls, TokenId(json, "cls"));
  ASSIGN_OR_RETURN(const int32_t sep, TokenId(json, "sep"));
  const Piece cls_piece{-1, 0, {cls}};
  const Piece text{0, 0, {}};
  const Piece sep_piece{-1, 0, {sep}};
  const Piece pair{1, 1, {}};
  const Piece last_sep_piece{-1, 1, {sep}};
  return std::unique_ptr<PostProcessor>(new TemplateProcessor(
      {cls_piece, text, sep_piece}, {cls_piece, text, sep_piece, pair, last_sep_piece}));
}

absl::StatusOr<std::unique_ptr<PostProcessor>> TemplateProcessor::FromRobertaJson(
    const json& json) {
  ASSIGN_OR_RETURN(const int32_t cls, TokenId(json, "cls"));
  ASSIGN_OR_RETURN(const int32_t sep, TokenId(json, "sep"));
  const Piece cls_piece{-1, 0, {cls}};
  const Piece text{0, 0, {}};
  const Piece sep_piece{-1, 0, {sep}};
  const Piece pair{1, 0, {}};
  return std::unique_ptr<PostProcessor>(new TemplateProcessor(
      {cls_piece, text, sep_piece}, {cls_piece, text, sep_piece, sep_piece, pair, sep_piece}));
}

int64_t TemplateProcessor::num_added_tokens(bool has_pair) const {
  size_t count = 0;
  for (const Piece& piece : has_pair ? pair_ : single_) count += piece.ids.size();
  return static_cast<int64_t>(count);
}

std::vector<int32_t> TemplateProcessor::added_ids() const {
  std::vector<int32_t> ids;
  for (const Template* pieces : {&single_, &pair_}) {
    for (const Piece& piece : *pieces) ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  return ids;
}

void TemplateProcessor::Process(const PostProcessContext& context,
                                std::vector<Encoding>* parts) const {
  const Template& pieces = parts->size() == 2 ? pair_ : single_;
  std::vector<Encoding> result;
  result.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    if (piece.sequence >= 0) {
      Encoding& part = (*parts)[static_cast<size_t>(piece.sequence)];
      part.type_ids.assign(part.ids.size(), piece.type_id);
      result.push_back(std::move(part));
    } else if (context.add_special_tokens) {
      result.push_back(SpecialTokens(piece.ids, piece.type_id));
    }
  }
  *parts = std::move(result);
}

}  // namespace attentiond
