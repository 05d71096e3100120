#include "core/text/decoders/text_decoders.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "core/text/decoders/word_piece_decoder.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// A replacement may not blow a token up beyond this.
constexpr size_t kMaxPieceBytes = size_t{64} << 20;

absl::StatusOr<std::string> GetNonEmpty(const nlohmann::json& json, const char* key,
                                        const char* fallback) {
  ASSIGN_OR_RETURN(std::string value, GetString(json, key, fallback));
  if (value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is empty"));
  }
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> MetaspaceDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(MetaspaceOptions options, MetaspaceOptions::FromJson(json));
  return std::make_unique<MetaspaceDecoder>(std::move(options));
}

absl::Status MetaspaceDecoder::Decode(std::vector<std::string>* pieces) const {
  const bool was_prepended = options_.prepend != MetaspaceOptions::Prepend::kNever;
  for (size_t i = 0; i < pieces->size(); ++i) {
    const absl::string_view by = i == 0 && was_prepended ? "" : " ";
    absl::StrReplaceAll({{options_.replacement, by}}, &(*pieces)[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> BpeDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(std::string suffix, GetNonEmpty(json, "suffix", "</w>"));
  return std::make_unique<BpeDecoder>(std::move(suffix));
}

absl::Status BpeDecoder::Decode(std::vector<std::string>* pieces) const {
  for (size_t i = 0; i < pieces->size(); ++i) {
    const absl::string_view by = i + 1 == pieces->size() ? "" : " ";
    absl::StrReplaceAll({{suffix_, by}}, &(*pieces)[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> FuseDecoder::FromJson(const nlohmann::json&) {
  return std::make_unique<FuseDecoder>();
}

absl::Status FuseDecoder::Decode(std::vector<std::string>* pieces) const {
  *pieces = {absl::StrJoin(*pieces, "")};
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> StripDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(std::string content, GetNonEmpty(json, "content", " "));
  ASSIGN_OR_RETURN(const int64_t start, GetInt(json, "start", 0));
  ASSIGN_OR_RETURN(const int64_t stop, GetInt(json, "stop", 0));
  size_t end = 0;
  NextCodePoint(content, &end);
  if (end != content.size() || start < 0 || stop < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"content\" ", Quoted(content), ", \"start\" ", start, ", \"stop\" ", stop,
                     ": one character and non-negative integers are required"));
  }
  return std::make_unique<StripDecoder>(std::move(content), static_cast<size_t>(start),
                                        static_cast<size_t>(stop));
}

absl::Status StripDecoder::Decode(std::vector<std::string>* pieces) const {
  for (std::string& piece : *pieces) {
    absl::string_view rest = piece;
    for (size_t i = 0; i < start_ && absl::StartsWith(rest, content_); ++i) {
      rest.remove_prefix(content_.size());
    }
    for (size_t i = 0; i < stop_ && absl::EndsWith(rest, content_); ++i) {
      rest.remove_suffix(content_.size());
    }
    if (rest.size() < piece.size()) piece = std::string(rest);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> ReplaceDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(Pattern pattern, Pattern::FromJson(json));
  ASSIGN_OR_RETURN(std::string content, GetString(json, "content", ""));
  return std::make_unique<ReplaceDecoder>(std::move(pattern), std::move(content));
}

absl::Status ReplaceDecoder::Decode(std::vector<std::string>* pieces) const {
  std::vector<Piece> found;
  for (std::string& piece : *pieces) {
    found.clear();
    RETURN_IF_ERROR(pattern_.Find(piece, &found));
    const bool has_match =
        std::any_of(found.begin(), found.end(), [](const Piece& part) { return part.is_match; });
    if (!has_match) continue;
    std::string result;
    for (const Piece& part : found) {
      part.is_match ? result.append(content_)
                    : result.append(piece, part.begin, part.end - part.begin);
      if (result.size() > kMaxPieceBytes) {
        return absl::InvalidArgumentError(
            absl::StrCat("the decoder's rules make the text longer than the ", kMaxPieceBytes,
                         " bytes allowed"));
      }
    }
    piece = std::move(result);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> CtcDecoder::FromJson(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(std::string pad, GetNonEmpty(json, "pad_token", "<pad>"));
  ASSIGN_OR_RETURN(std::string delimiter, GetNonEmpty(json, "word_delimiter_token", "|"));
  ASSIGN_OR_RETURN(const bool cleanup, GetBool(json, "cleanup", true));
  return std::make_unique<CtcDecoder>(std::move(pad), std::move(delimiter), cleanup);
}

absl::Status CtcDecoder::Decode(std::vector<std::string>* pieces) const {
  pieces->erase(std::unique(pieces->begin(), pieces->end()), pieces->end());
  std::vector<std::string> result;
  for (std::string& piece : *pieces) {
    absl::StrReplaceAll({{pad_, ""}}, &piece);
    if (cleanup_) {
      CleanUpTokenization(&piece);
      absl::StrReplaceAll({{delimiter_, " "}}, &piece);
    }
    if (!piece.empty()) result.push_back(std::move(piece));
  }
  *pieces = std::move(result);
  return absl::OkStatus();
}

}  // namespace attentiond
