#include "server/inference/text_stream.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace attentiond {

std::string TextStream::Add(int32_t token) {
  ids_.push_back(token);
  const absl::StatusOr<std::string> text = generator_.Decode(ids_);
  if (!text.ok()) return "";
  // What an incomplete character decodes to.
  constexpr absl::string_view kReplacement = "\ufffd";
  absl::string_view complete = *text;
  while (absl::ConsumeSuffix(&complete, kReplacement)) {
  }
  return Finish(std::string(complete));
}

std::string TextStream::Finish(const std::string& text) {
  // A token may change how those before it read; what was told stays.
  if (text.size() <= told_.size() || !absl::StartsWith(text, told_)) return "";
  std::string more = text.substr(told_.size());
  told_ = text;
  return more;
}

}  // namespace attentiond
