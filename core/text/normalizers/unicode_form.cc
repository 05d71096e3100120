#include "core/text/normalizers/unicode_form.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/text/aligned_rewriter.h"
#include "core/text/unicode.h"
#include "core/text/unicode_normalization.h"

namespace attentiond {
namespace {

// A character on its way, with what it means for the alignment (AlignedRewriter::Emit).
struct Character {
  char32_t c = 0;
  int change = 0;
  uint8_t combining_class = 0;
};

// Puts characters together, where a pair of them has a composite.
class Composer {
 public:
  explicit Composer(AlignedRewriter* out) : out_(out) {}

  void Add(const Character& next) {
    if (!starter_.has_value()) {
      if (next.combining_class != 0) return Emit(next);
      starter_ = next;
      return;
    }
    const bool is_blocked =
        !marks_.empty() && marks_.back().combining_class >= next.combining_class;
    if (!is_blocked) {
      if (const std::optional<char32_t> composite = Compose(starter_->c, next.c)) {
        starter_->c = *composite;
        starter_->change += next.change - 1;
        return;
      }
    }
    if (next.combining_class != 0) {
      marks_.push_back(next);
      return;
    }
    Finish();
    starter_ = next;
  }

  void Finish() {
    if (starter_.has_value()) Emit(*starter_);
    starter_.reset();
    for (const Character& mark : marks_) Emit(mark);
    marks_.clear();
  }

 private:
  void Emit(const Character& character) { out_->Emit(character.c, character.change); }

  AlignedRewriter* const out_;
  std::optional<Character> starter_;
  std::vector<Character> marks_;  // those that stay, after the starter
};

// Takes characters apart and sorts each run of combining marks.
template <typename Sink>
class Decomposer {
 public:
  Decomposer(bool compatibility, Sink sink) : compatibility_(compatibility), sink_(sink) {}

  void Add(char32_t c) {
    const std::optional<Decomposition> parts = Decompose(c, compatibility_);
    if (!parts.has_value()) return Order(c, 0);
    for (size_t i = 0; i < parts->size(); ++i) Order((*parts)[i], i == 0 ? 0 : 1);
  }

  void Finish() {
    std::stable_sort(marks_.begin(), marks_.end(), [](const Character& a, const Character& b) {
      return a.combining_class < b.combining_class;
    });
    for (const Character& mark : marks_) sink_(mark);
    marks_.clear();
  }

 private:
  void Order(char32_t c, int change) {
    const Character character = {c, change, CombiningClass(c)};
    if (character.combining_class != 0) {
      marks_.push_back(character);
      return;
    }
    if (!marks_.empty()) Finish();
    sink_(character);
  }

  bool compatibility_;
  Sink sink_;
  std::vector<Character> marks_;
};

template <typename Sink>
void DecomposeText(absl::string_view text, bool compatibility, Sink sink) {
  Decomposer<Sink> decomposer(compatibility, sink);
  for (size_t i = 0; i < text.size();) decomposer.Add(NextCodePoint(text, &i));
  decomposer.Finish();
}

// What begins below U+0300 is in NFC, and below U+00A0 in every form.
bool IsUnchanged(absl::string_view text, bool below_300) {
  constexpr unsigned char kLeadOf300 = 0xCC;
  if (IsAscii(text)) return true;
  return below_300 && std::all_of(text.begin(), text.end(), [](char byte) {
           return static_cast<unsigned char>(byte) < kLeadOf300;
         });
}

}  // namespace

absl::Status UnicodeForm::Normalize(AlignedText* text) const {
  if (IsUnchanged(text->text(), compose_ && !compatibility_)) return absl::OkStatus();
  AlignedRewriter out(*text);
  if (compose_) {
    Composer composer(&out);
    DecomposeText(text->text(), compatibility_,
                  [&composer](const Character& character) { composer.Add(character); });
    composer.Finish();
  } else {
    DecomposeText(text->text(), compatibility_,
                  [&out](const Character& character) { out.Emit(character.c, character.change); });
  }
  *text = std::move(out).Finish();
  return text->CheckSize();
}

}  // namespace attentiond
