#include "core/text/pre_tokenizers/bert_pre_tokenizer.h"

#include <array>
#include <cstdint>
#include <utility>

#include "core/text/unicode.h"

namespace attentiond {
namespace {

enum class CharacterClass : uint8_t { kWord, kSpace, kPunctuation };

CharacterClass Classify(char32_t c) {
  if (IsWhitespace(c)) return CharacterClass::kSpace;
  return IsPunctuation(c) ? CharacterClass::kPunctuation : CharacterClass::kWord;
}

const std::array<CharacterClass, 128>& AsciiClasses() {
  static const std::array<CharacterClass, 128> classes = [] {
    std::array<CharacterClass, 128> table;
    for (size_t i = 0; i < table.size(); ++i) table[i] = Classify(static_cast<char32_t>(i));
    return table;
  }();
  return classes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PreTokenizer>> BertPreTokenizer::FromJson(const nlohmann::json&) {
  return std::make_unique<BertPreTokenizer>();
}

absl::Status BertPreTokenizer::PreTokenize(PreTokenizedText* text) const {
  const std::array<CharacterClass, 128>& ascii = AsciiClasses();
  const absl::string_view bytes = text->text.text();
  std::vector<WordRange> words;
  words.reserve(bytes.size() / 4 + 1);
  const auto add = [&words](size_t begin, size_t end) {
    if (begin < end) words.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  };
  for (const WordRange& range : text->words) {
    size_t word_begin = range.begin;
    for (size_t i = range.begin; i < range.end;) {
      const size_t begin = i;
      const auto byte = static_cast<unsigned char>(bytes[i]);
      const bool is_ascii = byte < ascii.size();
      const CharacterClass type = is_ascii ? ascii[byte] : Classify(NextCodePoint(bytes, &i));
      if (is_ascii) ++i;
      if (type == CharacterClass::kWord) continue;
      add(word_begin, begin);
      word_begin = i;
      if (type == CharacterClass::kPunctuation) add(begin, i);
    }
    add(word_begin, range.end);
  }
  text->words = std::move(words);
  return absl::OkStatus();
}

}  // namespace attentiond
