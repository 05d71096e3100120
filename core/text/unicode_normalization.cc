#include "core/text/unicode_normalization.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "core/base/check.h"

namespace attentiond {
namespace {

using Getter = const icu::Normalizer2* (*)(UErrorCode&);

const icu::Normalizer2& Instance(Getter getter) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const instance = getter(error);
  ATTENTIOND_CHECK(U_SUCCESS(error));  // the data is part of ICU
  return *instance;
}

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2& nfc = Instance(icu::Normalizer2::getNFCInstance);
  return nfc;
}

const icu::Normalizer2& Nfkc() {
  static const icu::Normalizer2& nfkc = Instance(icu::Normalizer2::getNFKCInstance);
  return nfkc;
}

bool InUnicode9(UChar32 c) {
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] <= 9;
}

}  // namespace

std::optional<Decomposition> Decompose(char32_t c, bool compatibility) {
  if (c < 0xA0) return std::nullopt;
  const auto ch = static_cast<UChar32>(c);
  icu::UnicodeString parts;
  if (!(compatibility ? Nfkc() : Nfc()).getDecomposition(ch, parts) || !InUnicode9(ch)) {
    return std::nullopt;
  }
  Decomposition result;
  for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    result.push_back(static_cast<char32_t>(parts.char32At(i)));
  }
  return result;
}

uint8_t CombiningClass(char32_t c) {
  if (c < 0x300) return 0;
  const auto ch = static_cast<UChar32>(c);
  const uint8_t combining_class = u_getCombiningClass(ch);
  return combining_class != 0 && InUnicode9(ch) ? combining_class : uint8_t{0};
}

std::optional<char32_t> Compose(char32_t first, char32_t second) {
  if (second < 0x300) return std::nullopt;
  const UChar32 composite =
      Nfc().composePair(static_cast<UChar32>(first), static_cast<UChar32>(second));
  if (composite < 0 || !InUnicode9(composite)) return std::nullopt;
  return static_cast<char32_t>(composite);
}

}  // namespace attentiond
