// client/commands/text_source.h -- the texts of a command: arguments, the lines of a file or of
// standard input, in chunks of bounded memory.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/commands/console.h"

namespace attentiond::client {

/// One text, or a pair.
struct TextRow {
  std::string text;
  std::optional<std::string> pair;
};

/// Some rows in order.
struct TextChunk {
  std::vector<TextRow> rows;
  int64_t first = 1;  ///< number of the first row: its line, or its place among the arguments
};

class TextSource {
 public:
  struct Options {
    std::vector<std::string> arguments;  ///< each a text
    std::string file;                    ///< lines; "-": standard input
    bool pairs = false;                  ///< a row is TEXT<TAB>TEXT
    int chunk_rows = 64;
  };
  /// With neither arguments nor a file: the lines of console.in, and a word about it when that is a
  /// terminal. kNotFound: no such file.
  static absl::StatusOr<std::unique_ptr<TextSource>> Open(const Options& options,
                                                          const Console& console);

  /// At most options.chunk_rows rows, and few enough that they are at most 4 MiB or one row; none
  /// at the end. kInvalidArgument names the row: longer than 16 MiB, not UTF-8, without a tab where
  /// pairs are read.
  absl::StatusOr<TextChunk> Next();

  /// "lines 65 to 128 of FILE": where a chunk came from, for messages.
  std::string Describe(const TextChunk& chunk) const;

 private:
  // The next argument or line; false at the end.
  absl::StatusOr<bool> NextText(std::string* text);
  absl::StatusOr<TextRow> ToRow(std::string text) const;
  std::string Where(int64_t row) const;

  Options options_;
  std::ifstream file_;
  std::istream* in_ = nullptr;  // nullptr: the arguments
  int64_t rows_read_ = 0;
};

}  // namespace attentiond::client
