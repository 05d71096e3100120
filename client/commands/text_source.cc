#include "client/commands/text_source.h"

#include <unicode/utf8.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr size_t kMaxTextBytes = size_t{16} << 20;  // what a server takes by default
constexpr size_t kMaxChunkBytes = size_t{4} << 20;

bool IsUtf8(absl::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    UChar32 code_point = 0;
    U8_NEXT(bytes, i, size, code_point);
    if (code_point < 0) return false;
  }
  return true;
}

enum class LineResult { kLine, kEnd, kTooLong };

// std::getline with a limit: a file without line ends must not fill the memory.
LineResult ReadLine(std::istream* in, std::string* line) {
  line->clear();
  std::streambuf* const buffer = in->rdbuf();
  constexpr int kEndOfFile = std::streambuf::traits_type::eof();
  for (int c = buffer->sbumpc(); c != '\n'; c = buffer->sbumpc()) {
    if (c == kEndOfFile) return line->empty() ? LineResult::kEnd : LineResult::kLine;
    if (line->size() == kMaxTextBytes) return LineResult::kTooLong;
    line->push_back(static_cast<char>(c));
  }
  if (!line->empty() && line->back() == '\r') line->pop_back();
  return LineResult::kLine;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TextSource>> TextSource::Open(const Options& options,
                                                             const Console& console) {
  auto source = std::make_unique<TextSource>();
  source->options_ = options;
  if (!options.arguments.empty()) return source;
  if (!options.file.empty() && options.file != "-") {
    source->file_.open(options.file, std::ios::binary);
    if (!source->file_) {
      return absl::NotFoundError(absl::StrCat(
          options.file, ": ", std::error_code(errno, std::generic_category()).message()));
    }
    source->in_ = &source->file_;
    return source;
  }
  source->options_.file = "standard input";
  source->in_ = console.in;
  if (console.in_is_terminal) {
    *console.err << "Reading texts, one a line; Ctrl-D ends (--help has more).\n";
  }
  return source;
}

absl::StatusOr<TextChunk> TextSource::Next() {
  TextChunk chunk;
  chunk.first = rows_read_ + 1;
  size_t bytes = 0;
  std::string text;
  while (chunk.rows.size() < static_cast<size_t>(options_.chunk_rows) && bytes < kMaxChunkBytes) {
    ASSIGN_OR_RETURN(const bool found, NextText(&text));
    if (!found) break;
    ++rows_read_;
    bytes += text.size();
    ASSIGN_OR_RETURN(TextRow row, ToRow(std::move(text)));
    chunk.rows.push_back(std::move(row));
  }
  return chunk;
}

absl::StatusOr<bool> TextSource::NextText(std::string* text) {
  if (in_ == nullptr) {
    const auto next = static_cast<size_t>(rows_read_);
    if (next == options_.arguments.size()) return false;
    *text = options_.arguments[next];
    return true;
  }
  switch (ReadLine(in_, text)) {
    case LineResult::kLine:
      return true;
    case LineResult::kEnd:
      return false;
    case LineResult::kTooLong:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Where(rows_read_ + 1), ": longer than ", kMaxTextBytes, " bytes"));
}

absl::StatusOr<TextRow> TextSource::ToRow(std::string text) const {
  if (!IsUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat(Where(rows_read_), ": not UTF-8"));
  }
  TextRow row;
  if (options_.pairs) {
    const size_t tab = text.find('\t');
    if (tab == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(rows_read_), ": --pairs needs TEXT, a tab, TEXT"));
    }
    row.pair = text.substr(tab + 1);
    text.resize(tab);
  }
  row.text = std::move(text);
  return row;
}

std::string TextSource::Where(int64_t row) const {
  if (in_ == nullptr) return absl::StrCat("text ", row);
  return absl::StrCat("line ", row, " of ", options_.file);
}

std::string TextSource::Describe(const TextChunk& chunk) const {
  const auto last = chunk.first + static_cast<int64_t>(chunk.rows.size()) - 1;
  if (in_ == nullptr) return absl::StrCat("texts ", chunk.first, " to ", last);
  return absl::StrCat("lines ", chunk.first, " to ", last, " of ", options_.file);
}

}  // namespace attentiond::client
