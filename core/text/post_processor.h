// core/text/post_processor.h -- the fourth step of a tokenizer: adds the special tokens around the
// text, or the text and its pair.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// A token that is not called what the vocabulary says but what it stands for: an added one with
/// the white space that it took along, an unknown one.
struct VerbatimToken {
  int64_t begin = 0;  ///< where in the source
  std::string text;   ///< as normalized
};

/// A text as a post-processor sees it.
struct PostProcessText {
  absl::string_view source;
  std::vector<VerbatimToken> verbatim;  ///< in order of `begin`
};

/// What a post-processor is told.
struct PostProcessContext {
  bool add_special_tokens = true;
  absl::Span<const PostProcessText> texts;  ///< the text, or the text and its pair
};

/// Threads: immutable.
class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  /// How many tokens Process() adds to a text, or to a text and its pair.
  virtual int64_t num_added_tokens(bool has_pair) const = 0;
  /// How many templates it has, which only one step of a sequence may: a template takes texts.
  virtual int num_templates() const = 0;
  /// Whether it looks at PostProcessText::verbatim.
  virtual bool reads_verbatim() const { return false; }
  /// Every id that Process() may add.
  virtual std::vector<int32_t> added_ids() const = 0;
  /// `parts` is the text, or the text and its pair, with `type_ids` and `sequence` set to 0 and 1.
  /// Afterwards its elements, one after the other, are the result.
  virtual void Process(const PostProcessContext& context, std::vector<Encoding>* parts) const = 0;
};

}  // namespace attentiond
