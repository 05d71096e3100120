// tests/testing/text_components.h -- runs one component of a tokenizer, built from its section of a
// tokenizer.json.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/text/component_factories.h"

namespace attentiond::testing {

/// A piece of text and the bytes of the source that it came from.
struct Placed {
  std::string text;
  int32_t begin = 0;
  int32_t end = 0;
  friend bool operator==(const Placed&, const Placed&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Placed& placed) {
    return out << '"' << placed.text << "\" [" << placed.begin << ", " << placed.end << ")";
  }
};

inline AlignedText Normalize(const char* section, absl::string_view text) {
  const auto normalizer = BuildNormalizer(nlohmann::json::parse(section));
  EXPECT_TRUE(normalizer.ok()) << normalizer.status();
  AlignedText aligned(text, 0);
  if (normalizer.ok()) {
    EXPECT_TRUE((*normalizer)->Normalize(&aligned).ok());
  }
  return aligned;
}

inline std::string Normalized(const char* section, absl::string_view text) {
  return std::string(Normalize(section, text).text());
}

/// What each character of the normalized text is, and where it came from.
inline std::vector<Placed> NormalizedCharacters(const char* section, absl::string_view text) {
  const AlignedText normalized = Normalize(section, text);
  std::vector<Placed> characters;
  for (size_t i = 0; i < normalized.text().size();) {
    size_t end = i + 1;
    while (end < normalized.text().size() &&
           (static_cast<unsigned char>(normalized.text()[end]) & 0xC0) == 0x80) {
      ++end;
    }
    const SourceSpan span = normalized.Source(i, end);
    characters.push_back({std::string(normalized.text().substr(i, end - i)), span.begin, span.end});
    i = end;
  }
  return characters;
}

/// The words that a pre-tokenizer cuts `text`, as one word, into.
inline std::vector<Placed> PlacedWords(const char* section, absl::string_view text) {
  const auto pre_tokenizer = BuildPreTokenizer(nlohmann::json::parse(section));
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.status();
  PreTokenizedText cut{AlignedText(text, 0), {{0, static_cast<uint32_t>(text.size())}}};
  if (pre_tokenizer.ok()) {
    EXPECT_TRUE((*pre_tokenizer)->PreTokenize(&cut).ok());
  }
  std::vector<Placed> words;
  for (const WordRange& range : cut.words) {
    const SourceSpan span = cut.text.Source(range.begin, range.end);
    words.push_back({std::string(cut.word(range)), span.begin, span.end});
  }
  return words;
}

inline std::vector<std::string> Words(const char* section, absl::string_view text) {
  std::vector<std::string> words;
  for (Placed& word : PlacedWords(section, text)) words.push_back(std::move(word.text));
  return words;
}

/// The tokens of a word, and the bytes of it that they stand for.
inline std::vector<Placed> Tokens(const nlohmann::json& section, absl::string_view word) {
  const auto model = BuildTokenModel(section);
  EXPECT_TRUE(model.ok()) << model.status();
  std::vector<ModelToken> tokens;
  if (model.ok()) {
    EXPECT_TRUE((*model)->Tokenize(word, &tokens).ok());
  }
  std::vector<Placed> result;
  for (const ModelToken& token : tokens) {
    result.push_back({std::string((*model)->vocabulary().Token(token.id)),
                      static_cast<int32_t>(token.begin), static_cast<int32_t>(token.end)});
  }
  return result;
}

inline std::vector<std::string> Decoded(const char* section, std::vector<std::string> tokens) {
  const auto decoder = BuildDecoder(nlohmann::json::parse(section));
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  if (decoder.ok()) {
    EXPECT_TRUE((*decoder)->Decode(&tokens).ok());
  }
  return tokens;
}

}  // namespace attentiond::testing
