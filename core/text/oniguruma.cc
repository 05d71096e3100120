#include "core/text/oniguruma.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// What a class escape stands for: the inside of a class, and of the class of all else.
struct ClassEscape {
  char letter;
  absl::string_view inside;
  absl::string_view outside;  // empty: cannot be written inside a larger class
};
constexpr absl::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
// Outside a class \w and \b take these six numbers of Latin-1 for word characters as well.
constexpr absl::string_view kWordAlone =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}";
constexpr ClassEscape kClassEscapes[] = {
    {'s', "\\p{White_Space}", "\\P{White_Space}"},
    {'w', kWord, ""},
    {'d', "\\p{Nd}", "\\P{Nd}"},
    {'h', "0-9A-Fa-f", ""},
};

struct Bracket {
  absl::string_view name;
  absl::string_view inside;
};
constexpr Bracket kBrackets[] = {
    {"alpha", "\\p{Alphabetic}"},
    {"digit", "\\p{Nd}"},
    {"alnum", "\\p{Alphabetic}\\p{Nd}"},
    {"upper", "\\p{Uppercase}"},
    {"lower", "\\p{Lowercase}"},
    {"space", "\\p{White_Space}"},
    {"cntrl", "\\p{Cc}"},
    {"blank", "\\p{Zs}\\t"},
    {"xdigit", "0-9A-Fa-f"},
    {"word", kWord},
    {"punct", "\\p{P}\\p{S}"},
};

absl::Status Unsupported(absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat(Quoted(what), " is not supported"));
}

class Translator {
 public:
  explicit Translator(absl::string_view pattern) : in_(pattern) {}

  absl::StatusOr<std::string> Run() {
    while (!in_.empty()) RETURN_IF_ERROR(Element());
    return std::move(out_);
  }

 private:
  absl::Status Element() {
    const char c = in_[0];
    if (c == '\\') {
      atom_ = out_.size();
      return Escape(/*in_class=*/false);
    }
    if (c == '[') {
      atom_ = out_.size();
      return Class();
    }
    if (c == '(') return OpenGroup();
    if (c == ')') {
      // An unbalanced one is left to PCRE2 to refuse.
      if (!groups_.empty()) {
        atom_ = groups_.back();
        groups_.pop_back();
      }
      Copy(1);
      return absl::OkStatus();
    }
    if (c == '{') return Interval();
    if (c != '*' && c != '+' && c != '?') atom_ = out_.size();
    Copy(CharacterSize());
    return absl::OkStatus();
  }

  // A character of more than one byte is one atom.
  size_t CharacterSize() const {
    size_t size = 1;
    while (size < in_.size() && (static_cast<unsigned char>(in_[size]) & 0xC0) == 0x80) ++size;
    return size;
  }

  absl::Status OpenGroup() {
    groups_.push_back(out_.size());
    if (!absl::StartsWith(in_, "(?")) {
      Copy(1);
      return absl::OkStatus();
    }
    for (const absl::string_view prefix : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!absl::StartsWith(in_, prefix)) continue;
      Copy(prefix.size());
      return absl::OkStatus();
    }
    size_t end = 2;
    while (end < in_.size() && (absl::ascii_isalpha(static_cast<unsigned char>(in_[end])) || in_[end] == '-')) ++end;
    const absl::string_view options = in_.substr(2, end - 2);
    const bool is_options = end < in_.size() && (in_[end] == ':' || in_[end] == ')') &&
                            options.find_first_not_of("im-") == absl::string_view::npos;
    if (!is_options) return Unsupported(in_.substr(0, std::min(end + 1, in_.size())));
    for (size_t i = 0; i <= end; ++i) out_.push_back(in_[i] == 'm' && i >= 2 ? 's' : in_[i]);
    if (in_[end] == ')') groups_.pop_back();
    in_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  // {n}, {n,}, {n,m}, {,m}; anything else is text.
  absl::Status Interval() {
    const size_t end = in_.find('}');
    const absl::string_view bounds =
        end == absl::string_view::npos ? absl::string_view() : in_.substr(1, end - 1);
    const size_t comma = bounds.find(',');
    const absl::string_view low = bounds.substr(0, comma);
    const absl::string_view high =
        comma == absl::string_view::npos ? low : bounds.substr(comma + 1);
    const auto is_number = [](absl::string_view text) {
      return text.find_first_not_of("0123456789") == absl::string_view::npos;
    };
    if (bounds.empty() || !is_number(low) || !is_number(high) || (low.empty() && high.empty())) {
      atom_ = out_.size();
      absl::StrAppend(&out_, "\\{");
      in_.remove_prefix(1);
      return absl::OkStatus();
    }
    absl::StrAppend(&out_, "{", low.empty() ? "0" : low);
    if (comma != absl::string_view::npos) absl::StrAppend(&out_, ",", high);
    out_.push_back('}');
    in_.remove_prefix(end + 1);
    // Where PCRE2 takes a "+" as possessive, and "{n}?" as lazy, Oniguruma repeats the whole.
    const bool is_fixed = comma == absl::string_view::npos;
    if (absl::StartsWith(in_, "+") || (is_fixed && absl::StartsWith(in_, "?"))) {
      out_.insert(atom_, "(?:");
      out_.push_back(')');
    }
    return absl::OkStatus();
  }

  absl::Status Escape(bool in_class) {
    if (in_.size() < 2) return absl::InvalidArgumentError("ends in the middle of an escape");
    const char c = in_[1];
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      in_.remove_prefix(1);
      out_.push_back('\\');
      if (static_cast<unsigned char>(c) >= 0x80) out_.pop_back();
      Copy(CharacterSize());
      return absl::OkStatus();
    }
    for (const ClassEscape& escape : kClassEscapes) {
      if (absl::ascii_tolower(static_cast<unsigned char>(c)) == escape.letter) {
        return AddClassEscape(escape, /*negated=*/c != escape.letter, in_class);
      }
    }
    if (c == 'p' || c == 'P') return Property();
    if (c == 'u') return HexDigits(2, 4, 6);
    if (c == 'x') return Hex();
    if (absl::string_view("tnrfvae").find(c) != absl::string_view::npos) {
      // \v is one character there, all vertical space here.
      absl::StrAppend(&out_, c == 'v' ? "\\x{B}" : in_.substr(0, 2));
      in_.remove_prefix(2);
      return absl::OkStatus();
    }
    if (!in_class && (c == 'b' || c == 'B')) return WordBoundary(c == 'B');
    if (!in_class && absl::string_view("AzZG123456789").find(c) != absl::string_view::npos) {
      Copy(2);
      return absl::OkStatus();
    }
    return Unsupported(in_.substr(0, 2));
  }

  absl::Status AddClassEscape(const ClassEscape& escape, bool negated, bool in_class) {
    if (negated && in_class && escape.outside.empty()) return Unsupported(in_.substr(0, 2));
    if (!in_class) {
      absl::StrAppend(&out_, negated ? "[^" : "[",
                      escape.letter == 'w' ? kWordAlone : escape.inside, "]");
    } else {
      absl::StrAppend(&out_, negated ? escape.outside : escape.inside);
    }
    in_.remove_prefix(2);
    return absl::OkStatus();
  }

  absl::Status WordBoundary(bool negated) {
    const std::string word = absl::StrCat("[", kWordAlone, "]");
    const std::string is = absl::StrCat("(?<=", word, ")");
    const std::string is_not = absl::StrCat("(?<!", word, ")");
    const std::string comes = absl::StrCat("(?=", word, ")");
    const std::string comes_not = absl::StrCat("(?!", word, ")");
    absl::StrAppend(&out_, "(?:", is, negated ? comes : comes_not, "|", is_not,
                    negated ? comes_not : comes, ")");
    in_.remove_prefix(2);
    return absl::OkStatus();
  }

  // \p{Name}, \p{^Name}, \P{Name}.
  absl::Status Property() {
    const size_t end = in_.find('}');
    if (in_.size() < 3 || in_[2] != '{' || end == absl::string_view::npos) {
      return Unsupported(in_.substr(0, std::min<size_t>(3, in_.size())));
    }
    absl::string_view name = in_.substr(3, end - 3);
    bool negated = in_[1] == 'P';
    if (absl::StartsWith(name, "^")) {
      negated = !negated;
      name.remove_prefix(1);
    }
    if (name.empty() || name.find_first_of("=:\\[]") != absl::string_view::npos) {
      return Unsupported(in_.substr(0, end + 1));
    }
    for (const char* const different : {"Alpha", "Alnum", "Word", "Punct", "Space", "Graph",
                                        "Print", "Upper", "Lower", "Digit", "XDigit", "Any"}) {
      if (absl::EqualsIgnoreCase(name, different)) return Unsupported(in_.substr(0, end + 1));
    }
    // A name of one or two letters is a category; of others those with a capital may be scripts,
    // of which PCRE2 would take the extensions as well.
    const bool is_category = name.size() <= 2;
    const bool is_property =
        absl::EqualsIgnoreCase(name, "Alphabetic") || absl::EqualsIgnoreCase(name, "White_Space") ||
        absl::EqualsIgnoreCase(name, "Uppercase") || absl::EqualsIgnoreCase(name, "Lowercase");
    absl::StrAppend(&out_, negated ? "\\P{" : "\\p{", is_category || is_property ? "" : "sc:", name,
                    "}");
    in_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  // \xHH (an ASCII character) and \x{H...}.
  absl::Status Hex() {
    const size_t end = in_.find('}');
    if (in_.size() > 2 && in_[2] == '{' && end != absl::string_view::npos) {
      return HexDigits(3, end - 3, end + 1);
    }
    if (in_.size() < 4 || in_[2] > '7') {
      return Unsupported(in_.substr(0, std::min<size_t>(4, in_.size())));
    }
    return HexDigits(2, 2, 4);
  }

  absl::Status HexDigits(size_t begin, size_t count, size_t size) {
    const absl::string_view digits =
        in_.size() < begin ? absl::string_view() : in_.substr(begin, count);
    uint32_t value = 0;
    if (digits.size() != count || !absl::SimpleHexAtoi(digits, &value)) {
      return Unsupported(in_.substr(0, std::min(size, in_.size())));
    }
    absl::StrAppend(&out_, "\\x{", absl::Hex(value), "}");
    in_.remove_prefix(size);
    return absl::OkStatus();
  }

  // A class, with the classes inside it, which Oniguruma joins, written into it.
  absl::Status Class() {
    Copy(1);
    if (absl::StartsWith(in_, "^")) Copy(1);
    if (absl::StartsWith(in_, "]")) {
      absl::StrAppend(&out_, "\\]");
      in_.remove_prefix(1);
    }
    int depth = 1;
    while (depth > 0) {
      if (in_.empty()) return absl::InvalidArgumentError("has a class without its ]");
      if (in_[0] == ']') {
        --depth;
        in_.remove_prefix(1);
      } else if (absl::StartsWith(in_, "[:")) {
        RETURN_IF_ERROR(PosixBracket());
      } else if (absl::StartsWith(in_, "[^") || absl::StartsWith(in_, "&&")) {
        return Unsupported(absl::StrCat(in_.substr(0, 2), " in a class"));
      } else if (in_[0] == '[') {
        ++depth;
        in_.remove_prefix(1);
      } else if (in_[0] == '\\') {
        RETURN_IF_ERROR(Escape(/*in_class=*/true));
      } else {
        Copy(CharacterSize());
      }
    }
    out_.push_back(']');
    return absl::OkStatus();
  }

  absl::Status PosixBracket() {
    const size_t end = in_.find(":]");
    const absl::string_view name =
        end == absl::string_view::npos ? absl::string_view() : in_.substr(2, end - 2);
    for (const Bracket& bracket : kBrackets) {
      if (bracket.name != name) continue;
      absl::StrAppend(&out_, bracket.inside);
      in_.remove_prefix(end + 2);
      return absl::OkStatus();
    }
    return Unsupported(end == absl::string_view::npos ? "[:" : in_.substr(0, end + 2));
  }

  void Copy(size_t count) {
    out_.append(in_.data(), count);
    in_.remove_prefix(count);
  }

  absl::string_view in_;
  std::string out_;
  size_t atom_ = 0;             // where in out_ what a quantifier repeats begins
  std::vector<size_t> groups_;  // where the open groups begin
};

}  // namespace

absl::StatusOr<std::string> TranslateOniguruma(absl::string_view pattern) {
  return Translator(pattern).Run();
}

}  // namespace attentiond
