#include "core/text/normalizers/bert_normalizer.h"

#include <gtest/gtest.h>
#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/text/unicode.h"

namespace attentiond {
namespace {

using Options = BertNormalizer::Options;
constexpr Options kNothing = {false, false, false, false};

std::string Normalized(const BertNormalizer& normalizer, absl::string_view text) {
  AlignedText aligned(text, 0);
  EXPECT_TRUE(normalizer.Normalize(&aligned).ok());
  return std::string(aligned.text());
}

std::string Normalized(const Options& options, absl::string_view text) {
  return Normalized(BertNormalizer(options), text);
}

// Where each byte of the result comes from.
std::vector<SourceSpan> Spans(const Options& options, absl::string_view text, size_t source_begin) {
  AlignedText aligned(text, source_begin);
  EXPECT_TRUE(BertNormalizer(options).Normalize(&aligned).ok());
  std::vector<SourceSpan> spans;
  for (size_t i = 0; i < aligned.text().size(); ++i) spans.push_back(aligned.Source(i, i + 1));
  return spans;
}

TEST(BertNormalizerTest, CleansText) {
  const Options clean = {true, false, false, false};
  EXPECT_EQ(Normalized(clean, absl::string_view("a\0b\x07"
                                                "c",
                                                5)),
            "abc");
  EXPECT_EQ(Normalized(clean, "a\tb\nc\rd"), "a b c d");
  EXPECT_EQ(Normalized(clean, "a\u00a0b\u3000c\u2028d"), "a b c d");
  EXPECT_EQ(Normalized(clean, "a\u200bb\u00adc\ufffdd\ue000e"), "abcde");
  EXPECT_EQ(Normalized(kNothing, "a\tb\u200b\u3000"), "a\tb\u200b\u3000");
}

TEST(BertNormalizerTest, SetsChineseCharactersApart) {
  const Options chinese = {false, true, false, false};
  EXPECT_EQ(Normalized(chinese, "a你好b"), "a 你  好 b");
  EXPECT_EQ(Normalized(chinese, "カナ한국"), "カナ한국");
}

TEST(BertNormalizerTest, StripsAccents) {
  const Options strip = {false, false, true, false};
  EXPECT_EQ(Normalized(strip, "École naïve ế e\u0323\u0301"), "Ecole naive e e");
  EXPECT_EQ(Normalized(strip, "각"), "\u1100\u1161\u11a8");  // decomposed, nothing dropped
  EXPECT_EQ(Normalized(strip, "\u0301"), "");
}

TEST(BertNormalizerTest, SortsMarksThatStay) {
  // Combining classes 226 and 216: canonical order puts the second first.
  EXPECT_EQ(Normalized({false, false, true, false}, "x\U0001d16d\U0001d165"),
            "x\U0001d165\U0001d16d");
}

TEST(BertNormalizerTest, LowerCases) {
  const Options lowercase = {false, false, false, true};
  EXPECT_EQ(Normalized(lowercase, "ÀB ΣΑΣ İ"), "àb σασ i\u0307");
  EXPECT_EQ(Normalized(Options(), "İ"), "i");
}

TEST(BertNormalizerTest, LowerCasesEveryCodePointAsUnicodeDoes) {
  const BertNormalizer lowercase({false, false, false, true});
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    AppendUtf8(c, &text);
    std::string expected;
    icu::UnicodeString(static_cast<UChar32>(c))
        .toLower(icu::Locale::getRoot())
        .toUTF8String(expected);
    ASSERT_EQ(Normalized(lowercase, text), expected) << static_cast<uint32_t>(c);
  }
}

TEST(BertNormalizerTest, DropsAndSpacesWhatTheLibraryDoes) {
  std::ifstream in(ATTENTIOND_SOURCE_DIR "/tests/core/text/testdata/bert_unicode.json");
  const nlohmann::json tables = nlohmann::json::parse(in);
  const auto set_of = [&tables](const char* name) {
    std::vector<bool> set(0x110000);
    for (const auto& range : tables.at(name)) {
      for (size_t c = range[0]; c <= range[1]; ++c) set[c] = true;
    }
    return set;
  };
  const BertNormalizer cleaner({true, false, false, false});
  const BertNormalizer separator({false, true, false, false});
  const std::vector<bool> dropped = set_of("dropped");
  const std::vector<bool> space = set_of("space");
  const std::vector<bool> chinese = set_of("chinese");
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    AppendUtf8(c, &text);
    ASSERT_EQ(Normalized(cleaner, text), dropped[c] ? ""
                                         : space[c] ? " "
                                                    : text)
        << static_cast<uint32_t>(c);
    ASSERT_EQ(Normalized(separator, text), chinese[c] ? " " + text + " " : text)
        << static_cast<uint32_t>(c);
  }
}

TEST(BertNormalizerTest, KeepsTheSource) {
  using Span = SourceSpan;
  // ASCII stays in place.
  EXPECT_EQ(Spans(Options(), "Ab", 10), (std::vector<Span>{{10, 11}, {11, 12}}));
  // A dropped character leaves a hole, an accent belongs to its letter.
  EXPECT_EQ(Spans(Options(), "a\x07É", 10), (std::vector<Span>{{10, 11}, {12, 14}}));
  // The spaces around an ideograph come from it.
  EXPECT_EQ(Spans(Options(), "你", 10),
            (std::vector<Span>{{10, 13}, {10, 13}, {10, 13}, {10, 13}, {10, 13}}));
  // Both letters that İ becomes come from it.
  EXPECT_EQ(Spans({false, false, false, true}, "İ", 10),
            (std::vector<Span>{{10, 12}, {10, 12}, {10, 12}}));
}

TEST(BertNormalizerTest, MarksThatAreSortedKeepTheSourceInOrder) {
  const Options strip = {false, false, true, false};
  // Four bytes each: the letter, then the two marks in their new order.
  const std::vector<SourceSpan> spans = Spans(strip, "x\U0001d16d\U0001d165", 0);
  ASSERT_EQ(spans.size(), 9u);
  EXPECT_EQ(spans[0], (SourceSpan{0, 1}));
  EXPECT_EQ(spans[1], (SourceSpan{1, 5}));
  EXPECT_EQ(spans[5], (SourceSpan{5, 9}));
}

TEST(BertNormalizerTest, ReadsItsOptions) {
  const auto normalized = [](const char* json, absl::string_view text) {
    auto normalizer = BertNormalizer::FromJson(nlohmann::json::parse(json));
    EXPECT_TRUE(normalizer.ok()) << normalizer.status();
    AlignedText aligned(text, 0);
    EXPECT_TRUE((*normalizer)->Normalize(&aligned).ok());
    return std::string(aligned.text());
  };
  EXPECT_EQ(normalized("{}", "É你\t"), "e 你  ");
  // strip_accents: null follows lowercase.
  EXPECT_EQ(normalized(R"({"strip_accents": null, "lowercase": false})", "É"), "É");
  EXPECT_EQ(normalized(R"({"strip_accents": true, "lowercase": false})", "É"), "E");
  EXPECT_EQ(normalized(R"({"strip_accents": false})", "É"), "é");
  EXPECT_EQ(normalized(R"({"clean_text": false, "handle_chinese_chars": false})", "你\t"), "你\t");

  EXPECT_EQ(BertNormalizer::FromJson({{"lowercase", 1}}).status(),
            absl::InvalidArgumentError("\"lowercase\" is 1, true or false is required"));
}

}  // namespace
}  // namespace attentiond
