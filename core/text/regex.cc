#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/text/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/status_macros.h"
#include "core/text/oniguruma.h"
#include "core/text/unicode.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// Steps that any match may take, and that all matches in a text may take beyond that. Together they
// bound the time that a hostile pattern can take, and are far from what real ones need.
constexpr uint32_t kFreeSteps = 4096;
constexpr int64_t kExtraSteps = int64_t{200} << 20;
constexpr uint32_t kMaxHeapKibibytes = 64 << 10;

// Finds the matches in one text, within its steps.
class Scanner {
 public:
  explicit Scanner(const pcre2_code* code)
      : code_(code),
        data_(pcre2_match_data_create_from_pattern(code, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    ATTENTIOND_CHECK(data_ != nullptr && context_ != nullptr);
    pcre2_set_heap_limit(context_, kMaxHeapKibibytes);
  }
  ~Scanner() {
    pcre2_match_context_free(context_);
    pcre2_match_data_free(data_);
  }
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  // The next match at or after `from`: 1 found, 0 none, negative an error of PCRE2's.
  int Next(absl::string_view text, size_t from) {
    pcre2_set_match_limit(context_, kFreeSteps);
    for (int64_t steps = kFreeSteps;;) {
      const int result = Match(text, from);
      if (result != PCRE2_ERROR_MATCHLIMIT || extra_steps_ <= 0) return result;
      steps = std::min(steps * 64, extra_steps_);
      extra_steps_ -= steps;
      pcre2_set_match_limit(context_, static_cast<uint32_t>(steps));
    }
  }
  size_t begin() const { return pcre2_get_ovector_pointer(data_)[0]; }
  size_t end() const { return pcre2_get_ovector_pointer(data_)[1]; }

 private:
  int Match(absl::string_view text, size_t from) {
    const auto match = [&](uint32_t options) {
      return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                         PCRE2_NO_UTF_CHECK | options, data_, context_);
    };
    int result = match(0);
    // The compiled code has a small stack of its own; the interpreter takes from the heap.
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    return result < 0 ? result : 1;
  }

  const pcre2_code* const code_;
  pcre2_match_data* const data_;
  pcre2_match_context* const context_;
  int64_t extra_steps_ = kExtraSteps;
};

std::string ErrorText(int error) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(error, buffer, sizeof(buffer)) < 0) return absl::StrCat(error);
  return reinterpret_cast<const char*>(buffer);
}

size_t AfterCharacter(absl::string_view text, size_t position) {
  do {
    ++position;
  } while (position < text.size() && IsContinuationByte(text[position]));
  return position;
}

}  // namespace

void Regex::FreeCode::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

absl::StatusOr<Regex> Regex::Compile(absl::string_view pattern) {
  const auto translated = TranslateOniguruma(pattern);
  if (!translated.ok()) {
    return absl::Status(
        translated.status().code(),
        absl::StrCat("regular expression ", Quoted(pattern), ": ", translated.status().message()));
  }
  pcre2_compile_context* const context = pcre2_compile_context_create(nullptr);
  ATTENTIOND_CHECK(context != nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context, 100);
  int error = 0;
  PCRE2_SIZE position = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                          &position, context));
  pcre2_compile_context_free(context);
  if (code == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("regular expression ", Quoted(pattern), ": ", ErrorText(error)));
  }
  // Where there is no JIT the interpreter does the same, slower.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return Regex(std::string(pattern), std::move(code));
}

absl::Status Regex::Find(absl::string_view text, std::vector<Piece>* pieces) const {
  Scanner scanner(code_.get());
  size_t done = 0;       // what pieces covers
  size_t from = 0;       // where the next match may begin
  bool is_first = true;  // an empty match directly after another match does not count
  const auto add = [pieces](size_t begin, size_t end, bool is_match) {
    pieces->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), is_match});
  };
  while (from <= text.size()) {
    const int found = scanner.Next(text, from);
    if (found < 0) {
      return absl::InvalidArgumentError(absl::StrCat("regular expression ", Quoted(pattern_),
                                                     " on this text: ", ErrorText(found)));
    }
    if (found == 0) break;
    const size_t begin = scanner.begin();
    const size_t end = scanner.end();
    if (begin > end || end < from) break;  // \K in a lookaround
    if (begin == end && !is_first && end == done) {
      from = AfterCharacter(text, from);
      continue;
    }
    if (done < begin) add(done, begin, false);
    add(begin, end, true);
    done = from = end;
    is_first = false;
  }
  if (done < text.size()) add(done, text.size(), false);
  return absl::OkStatus();
}

}  // namespace attentiond
