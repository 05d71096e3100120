// client/commands/caption_words.h -- what a server says of a caption's tokens, as words over a
// picture.
#pragma once

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "client/render/caption_page.h"

namespace attentiond::client {

/// Caption, score and words of `text`, of the picture nothing else. A word's map is the mean of its
/// tokens'. Without cross-attention there are no words. kInternal: it is not what the fields say.
absl::StatusOr<CaptionPicture> ToPicture(const v1::GeneratedText& text);

}  // namespace attentiond::client
