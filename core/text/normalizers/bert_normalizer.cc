#include "core/text/normalizers/bert_normalizer.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "core/text/unicode_normalization.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

bool IsDropped(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;  // white space, though control characters
  return c == 0 || c == 0xFFFD || IsControlOrFormat(c);
}

// The blocks as the library lists them: its third last begins at 2B920, where BERT's own begins at
// 2B820.
bool IsChinese(char32_t c) {
  struct Block {
    char32_t first;
    char32_t last;
  };
  static constexpr Block kBlocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                      {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                      {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  if (c < kBlocks[0].first) return false;
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [c](const Block& block) { return block.first <= c && c <= block.last; });
}

}  // namespace

// Takes the source's characters one by one through all steps at once. Every step works on single
// characters, except that NFD also sorts runs of combining marks, which wait in marks_ until the
// run ends.
class BertNormalizer::Rewriter {
 public:
  Rewriter(const Options& options, AlignedText* out) : options_(options), out_(out) {}

  void Add(char32_t c, SourceSpan span) {
    if (options_.clean_text) {
      if (IsDropped(c)) return;
      if (IsWhitespace(c)) c = ' ';
    }
    if (options_.handle_chinese_chars && IsChinese(c)) {
      TakeApart(' ', span);
      TakeApart(c, span);
      TakeApart(' ', span);
    } else {
      TakeApart(c, span);
    }
  }

  void Finish() {
    // The places in the source stay in order when the marks change theirs: the n-th place goes to
    // the n-th mark that begins one.
    absl::InlinedVector<SourceSpan, 8> places;
    for (const Mark& mark : marks_) {
      if (mark.begins_place) places.push_back(mark.span);
    }
    std::stable_sort(marks_.begin(), marks_.end(), [](const Mark& a, const Mark& b) {
      return a.combining_class < b.combining_class;
    });
    auto next_place = places.begin();
    for (const Mark& mark : marks_) {
      if (mark.begins_place) last_span_ = *next_place++;
      Lowercase(mark.c, last_span_);
    }
    marks_.clear();
  }

 private:
  struct Mark {
    char32_t c;
    uint8_t combining_class;
    bool begins_place;  // the first, or only, character that a character of the source became
    SourceSpan span;
  };

  void TakeApart(char32_t c, SourceSpan span) {
    if (!options_.strip_accents) return Lowercase(c, span);
    const std::optional<Decomposition> parts = Decompose(c, /*compatibility=*/false);
    if (!parts.has_value()) return Order(c, span, true);
    for (size_t i = 0; i < parts->size(); ++i) Order((*parts)[i], span, i == 0);
  }

  void Order(char32_t c, SourceSpan span, bool begins_place) {
    const uint8_t combining_class = CombiningClass(c);
    if (combining_class != 0) {
      marks_.push_back({c, combining_class, begins_place, span});
      return;
    }
    if (!marks_.empty()) Finish();
    last_span_ = span;
    Lowercase(c, span);
  }

  void Lowercase(char32_t c, SourceSpan span) {
    if (options_.strip_accents && c >= 0x80 && IsNonspacingMark(c)) return;
    if (!options_.lowercase) return out_->Append(c, span);
    lower_.clear();
    AppendLowercase(c, &lower_);
    for (const char32_t lower : lower_) out_->Append(lower, span);
  }

  const Options& options_;
  AlignedText* const out_;
  absl::InlinedVector<Mark, 8> marks_;
  std::u32string lower_;
  SourceSpan last_span_;  // of the last character that left marks_, or did not enter it
};

BertNormalizer::BertNormalizer(const Options& options) : options_(options) {
  for (size_t i = 0; i < ascii_.size(); ++i) {
    AlignedText out;
    Rewriter(options, &out).Add(static_cast<char32_t>(i), {0, 1});
    ascii_[i] = out.text().size() == 1 ? out.text()[0] : '\0';
  }
}

absl::StatusOr<std::unique_ptr<Normalizer>> BertNormalizer::FromJson(const nlohmann::json& json) {
  Options options;
  ASSIGN_OR_RETURN(options.clean_text, GetBool(json, "clean_text", true));
  ASSIGN_OR_RETURN(options.handle_chinese_chars, GetBool(json, "handle_chinese_chars", true));
  ASSIGN_OR_RETURN(options.lowercase, GetBool(json, "lowercase", true));
  ASSIGN_OR_RETURN(options.strip_accents, GetBool(json, "strip_accents", options.lowercase));
  return std::make_unique<BertNormalizer>(options);
}

absl::Status BertNormalizer::Normalize(AlignedText* text) const {
  // As far as it is ASCII without control characters, in place. Doing a prefix in place does not
  // disturb the rewrite of the whole: the steps are idempotent.
  bool in_place = true;
  for (char& c : text->mutable_bytes()) {
    const auto byte = static_cast<unsigned char>(c);
    const char becomes = byte < ascii_.size() ? ascii_[byte] : '\0';
    if (becomes == '\0') {
      in_place = false;
      break;
    }
    c = becomes;
  }
  if (in_place) return absl::OkStatus();

  AlignedText out = AlignedText::RewriteOf(*text);
  const absl::string_view in = text->text();
  out.Reserve(in.size() + in.size() / 2);
  Rewriter rewriter(options_, &out);
  for (size_t i = 0; i < in.size();) {
    const size_t begin = i;
    const char32_t c = NextCodePoint(in, &i);
    rewriter.Add(c, text->Source(begin, i));
  }
  rewriter.Finish();
  *text = std::move(out);
  return text->CheckSize();
}

}  // namespace attentiond
