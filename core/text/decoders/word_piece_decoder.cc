#include "core/text/decoders/word_piece_decoder.h"

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"

namespace attentiond {

// One replacement after the other, each on the result of the one before.
void CleanUpTokenization(std::string* piece) {
  static constexpr std::pair<absl::string_view, absl::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& replacement : kReplacements) absl::StrReplaceAll({replacement}, piece);
}

absl::StatusOr<std::unique_ptr<Decoder>> WordPieceDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(std::string prefix, GetString(json, "prefix", "##"));
  ASSIGN_OR_RETURN(const bool cleanup, GetBool(json, "cleanup", true));
  return std::make_unique<WordPieceDecoder>(std::move(prefix), cleanup);
}

absl::Status WordPieceDecoder::Decode(std::vector<std::string>* pieces) const {
  for (size_t i = 0; i < pieces->size(); ++i) {
    std::string& piece = (*pieces)[i];
    if (i > 0) {
      if (absl::StartsWith(piece, prefix_)) {
        piece.erase(0, prefix_.size());
      } else {
        piece.insert(piece.begin(), ' ');
      }
    }
    if (cleanup_) CleanUpTokenization(&piece);
  }
  return absl::OkStatus();
}

}  // namespace attentiond
