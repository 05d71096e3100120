#include "core/text/normalizers/text_normalizers.h"

#include <vector>

#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<Normalizer>> StripNormalizer::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const bool left, GetBool(json, "strip_left", false));
  ASSIGN_OR_RETURN(const bool right, GetBool(json, "strip_right", false));
  return std::make_unique<StripNormalizer>(left, right);
}

absl::Status StripNormalizer::Normalize(AlignedText* text) const {
  const absl::string_view bytes = text->text();
  size_t begin = 0;
  size_t end = bytes.size();
  for (size_t next = 0; left_ && begin < end; begin = next) {
    if (!IsWhitespace(NextCodePoint(bytes, &next))) break;
  }
  for (size_t previous = end; right_ && end > begin; end = previous) {
    if (!IsWhitespace(PreviousCodePoint(bytes, &previous))) break;
  }
  if (begin > 0 || end < bytes.size()) *text = text->Slice(begin, end);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Normalizer>> PrependNormalizer::FromJson(
    const nlohmann::json& json) {
  ASSIGN_OR_RETURN(std::string prefix, GetString(json, "prepend", ""));
  return std::make_unique<PrependNormalizer>(std::move(prefix));
}

absl::Status PrependNormalizer::Normalize(AlignedText* text) const {
  const size_t size = text->text().size();
  if (size == 0 || prefix_.empty()) return absl::OkStatus();
  AlignedText out = AlignedText::RewriteOf(*text);
  out.Reserve(prefix_.size() + size);
  out.Append(prefix_, text->Source(0, 1));
  out.AppendSlice(*text, 0, size);
  *text = std::move(out);
  return text->CheckSize();
}

absl::StatusOr<std::unique_ptr<Normalizer>> ReplaceNormalizer::FromJson(
    const nlohmann::json& json) {
  ASSIGN_OR_RETURN(Pattern pattern, Pattern::FromJson(json));
  ASSIGN_OR_RETURN(std::string content, GetString(json, "content", ""));
  return std::make_unique<ReplaceNormalizer>(std::move(pattern), std::move(content));
}

absl::Status ReplaceNormalizer::Normalize(AlignedText* text) const {
  std::vector<Piece> pieces;
  RETURN_IF_ERROR(pattern_.Find(text->text(), &pieces));
  if (pieces.empty() || (pieces.size() == 1 && !pieces[0].is_match)) return absl::OkStatus();
  AlignedText out = AlignedText::RewriteOf(*text);
  out.Reserve(text->text().size());
  for (const Piece& piece : pieces) {
    if (!piece.is_match) {
      out.AppendSlice(*text, piece.begin, piece.end);
      continue;
    }
    const SourceSpan place = piece.end > 0 ? text->Source(piece.end - 1, piece.end)
                                           : SourceSpan{text->source_begin(), text->source_begin()};
    out.Append(content_, place);
    RETURN_IF_ERROR(out.CheckSize());
  }
  *text = std::move(out);
  return text->CheckSize();
}

}  // namespace attentiond
