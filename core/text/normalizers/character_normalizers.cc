#include "core/text/normalizers/character_normalizers.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "core/text/byte_alphabet.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

bool IsDroppedByNmt(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}

bool IsSpaceToNmt(char32_t c) {
  switch (c) {
    case 0x9:
    case 0xA:
    case 0xC:
    case 0xD:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x2581:
    case 0xFEFF:
    case 0xFFFD:
      return true;
    default:
      return c >= 0x200B && c <= 0x200F;
  }
}

// Rewrites each character as `append(c, begin, end, out)` says, where it is bytes [begin, end).
template <typename AppendCharacter>
absl::Status Rewrite(AppendCharacter append, AlignedText* text) {
  AlignedText out = AlignedText::RewriteOf(*text);
  const absl::string_view in = text->text();
  out.Reserve(in.size());
  for (size_t i = 0; i < in.size();) {
    const size_t begin = i;
    const char32_t c = NextCodePoint(in, &i);
    append(c, begin, i, &out);
  }
  *text = std::move(out);
  return text->CheckSize();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Normalizer>> LowercaseNormalizer::FromJson(const nlohmann::json&) {
  return std::make_unique<LowercaseNormalizer>();
}

absl::Status LowercaseNormalizer::Normalize(AlignedText* text) const {
  if (IsAscii(text->text())) {
    absl::AsciiStrToLower(&text->mutable_bytes());
    return absl::OkStatus();
  }
  std::u32string lower;
  return Rewrite(
      [text, &lower](char32_t c, size_t begin, size_t end, AlignedText* out) {
        lower.clear();
        AppendLowercase(c, &lower);
        for (const char32_t l : lower) out->Append(l, text->Source(begin, end));
      },
      text);
}

absl::StatusOr<std::unique_ptr<Normalizer>> StripAccents::FromJson(const nlohmann::json&) {
  return std::make_unique<StripAccents>();
}

absl::Status StripAccents::Normalize(AlignedText* text) const {
  if (IsAscii(text->text())) return absl::OkStatus();
  return Rewrite(
      [text](char32_t c, size_t begin, size_t end, AlignedText* out) {
        if (!IsCombiningMark(c)) out->AppendSlice(*text, begin, end);
      },
      text);
}

absl::StatusOr<std::unique_ptr<Normalizer>> NmtNormalizer::FromJson(const nlohmann::json&) {
  return std::make_unique<NmtNormalizer>();
}

absl::Status NmtNormalizer::Normalize(AlignedText* text) const {
  return Rewrite(
      [text](char32_t c, size_t begin, size_t end, AlignedText* out) {
        if (IsDroppedByNmt(c)) return;
        if (IsSpaceToNmt(c)) c = U' ';
        out->Append(c, text->Source(begin, end));
      },
      text);
}

absl::StatusOr<std::unique_ptr<Normalizer>> ByteLevelNormalizer::FromJson(const nlohmann::json&) {
  return std::make_unique<ByteLevelNormalizer>();
}

absl::Status ByteLevelNormalizer::Normalize(AlignedText* text) const {
  AlignedText out = AlignedText::RewriteOf(*text);
  out.Reserve(text->text().size() * 5 / 4);
  ByteAlphabet::Get().AppendSlice(*text, 0, text->text().size(), &out);
  *text = std::move(out);
  return text->CheckSize();
}

}  // namespace attentiond
