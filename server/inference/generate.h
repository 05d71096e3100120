// server/inference/generate.h -- what a request to a model that writes text is made of, and what
// becomes of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/generate/generation_options.h"
#include "core/text/translation_tokenizer.h"
#include "server/inference/call.h"
#include "server/inference/image_inputs.h"

namespace attentiond {

/// One row: a text of a translation model, a picture of a captioning model.
struct GenerateInput {
  absl::string_view text;
  ImageInput image;
};

/// How every row of a request is written.
struct GenerateOptions {
  GenerationOptions generation;  ///< those of the model, with what the request says instead
  bool has_forced_bos = false;   ///< the request says the first token: languages do not
  TranslationLanguages languages;
  bool truncate = false;
  TruncationSide truncation_side = TruncationSide::kRight;
  bool split_sentences = false;  ///< each is written on its own, and joined with what was between
  bool cross_attention = false;  ///< of each row's best; not with split_sentences
};

/// What was written for one row.
struct GeneratedRow {
  struct Alternative {
    std::string text;
    double score = 0;          ///< of several sentences the sum
    std::vector<int32_t> ids;  ///< new tokens, of several sentences one after the other
  };
  std::vector<Alternative> alternatives;  ///< best first
  std::vector<int32_t> source_ids;        ///< of texts; of several sentences one after the other
  int64_t input_tokens = 0;
  int64_t truncated_tokens = 0;
  int64_t sentences = 1;
  /// Of the best: [its ids, input_tokens], the mean over layers and heads. Empty unless wanted.
  std::vector<float> cross_attention;
};

using GenerateCallback = std::function<void(absl::Status status, std::vector<GeneratedRow> rows,
                                            const CallTiming& timing)>;

/// Told of what is written while it is written. Called by one thread at a time, before the
/// request's callback; must not block. Nothing is called after that callback.
class GenerateObserver {
 public:
  virtual ~GenerateObserver() = default;
  /// `text` comes behind what was told of the row so far; all that is told of a row together is its
  /// best text. Never empty.
  virtual void OnText(size_t row, const std::string& text) = 0;
  /// The row is done; nothing more comes of it.
  virtual void OnRow(size_t row, const GeneratedRow& result) = 0;
};

}  // namespace attentiond
