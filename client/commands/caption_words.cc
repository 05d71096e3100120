#include "client/commands/caption_words.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/tensor_conversion.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

absl::Status CheckMap(const v1::CrossAttention& attention, const Tensor& weights) {
  const int64_t patches = int64_t{attention.grid_height()} * attention.grid_width();
  if (weights.shape().rank() == 2 && weights.shape().dim(0) == attention.tokens_size() &&
      attention.grid_height() >= 0 && attention.grid_width() >= 0 &&
      patches <= weights.shape().dim(1)) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("the server sent cross-attention of shape ",
                                          weights.shape().ToString(), " for ",
                                          attention.tokens_size(), " tokens and a grid of ",
                                          attention.grid_height(), " x ", attention.grid_width()));
}

// Adds a token's part of the text and its weights, `count` of the word's tokens being there.
void Merge(absl::string_view text, absl::Span<const float> weights, int64_t* count,
           CaptionWord* word) {
  absl::StrAppend(&word->text, text);
  word->weights.resize(weights.size(), 0);
  const double share = 1.0 / static_cast<double>(++*count);
  for (size_t i = 0; i < weights.size(); ++i) {
    word->weights[i] += share * (double{weights[i]} - word->weights[i]);
  }
}

}  // namespace

absl::StatusOr<CaptionPicture> ToPicture(const v1::GeneratedText& text) {
  CaptionPicture picture;
  picture.caption = text.text();
  picture.score = text.score();
  if (!text.has_cross_attention()) return picture;
  const v1::CrossAttention& attention = text.cross_attention();
  ASSIGN_OR_RETURN(const TensorView view, FromProto(attention.weights()));
  ASSIGN_OR_RETURN(const Tensor weights, ToFloat32(view));
  RETURN_IF_ERROR(CheckMap(attention, weights));
  picture.rows = attention.grid_height();
  picture.columns = attention.grid_width();
  const auto patches = static_cast<size_t>(picture.rows) * static_cast<size_t>(picture.columns);
  const auto source = static_cast<size_t>(weights.shape().dim(1));
  const absl::Span<const float> all = weights.view().values<float>();
  int64_t count = 0;  // tokens of the last word
  for (int i = 0; i < attention.tokens_size(); ++i) {
    const std::string& token = attention.tokens(i).text();
    if (absl::StripAsciiWhitespace(token).empty()) continue;
    const bool begins_word =
        picture.words.empty() || absl::ascii_isspace(static_cast<unsigned char>(token[0]));
    if (begins_word) {
      picture.words.emplace_back();
      count = 0;
    }
    const auto row = all.subspan(static_cast<size_t>(i) * source, source);
    Merge(begins_word ? absl::StripLeadingAsciiWhitespace(token) : token,
          row.subspan(source - patches), &count, &picture.words.back());
  }
  return picture;
}

}  // namespace attentiond::client
