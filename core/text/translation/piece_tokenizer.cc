#include "core/text/translation/piece_tokenizer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/text_check.h"
#include "core/text/unicode.h"
#include "core/weights/quoted.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

PieceTokenizer::PieceTokenizer(std::unique_ptr<SentencePieceFile> file, Vocabulary vocabulary,
                               AddedTokens added_tokens, int32_t unknown_id, Prefix prefix)
    : file_(std::move(file)),
      vocabulary_(std::move(vocabulary)),
      added_tokens_(std::move(added_tokens)),
      unknown_id_(unknown_id),
      prefix_(prefix) {}

absl::StatusOr<PieceTokenizer> PieceTokenizer::Create(std::unique_ptr<SentencePieceFile> file,
                                                      const nlohmann::json& vocab,
                                                      nlohmann::json added_tokens,
                                                      const std::string& unknown_token,
                                                      Prefix prefix) {
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromJson(vocab));
  const std::optional<int32_t> unknown_id = vocabulary.Find(unknown_token);
  if (!unknown_id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("does not have the unk_token ", Quoted(unknown_token)));
  }
  // They are looked for in the text as it is: nothing normalizes it before the model does.
  for (nlohmann::json& token : added_tokens) token["normalized"] = false;
  ASSIGN_OR_RETURN(AddedTokens added,
                   AddedTokens::FromJson(added_tokens, vocabulary, /*normalizer=*/nullptr));
  return PieceTokenizer(std::move(file), std::move(vocabulary), std::move(added), *unknown_id,
                        prefix);
}

int32_t PieceTokenizer::Find(absl::string_view token) const {
  return vocabulary_.Find(token).value_or(unknown_id_);
}

absl::Status PieceTokenizer::Encode(absl::string_view text, std::vector<int32_t>* ids) const {
  RETURN_IF_ERROR(CheckText(text, "text"));
  std::vector<std::string> pieces;
  for (const AddedTokens::Segment& segment : added_tokens_.SplitSource(text)) {
    if (segment.id != AddedTokens::kBetween) {
      ids->push_back(segment.id);
      continue;
    }
    absl::string_view between = text.substr(segment.begin, segment.end - segment.begin);
    if (prefix_ == Prefix::kCode && absl::StartsWith(between, ">>")) {
      const size_t end = between.find("<<");
      if (end != absl::string_view::npos) {
        ids->push_back(Find(between.substr(0, end + 2)));
        between.remove_prefix(end + 2);
      }
    }
    pieces.clear();
    if (!file_->EncodeAsPieces(Std(between), &pieces)) {
      return absl::InvalidArgumentError("the SentencePiece model does not take this text");
    }
    for (const std::string& piece : pieces) ids->push_back(Find(piece));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> JoinPieces(const SentencePieceFile& file,
                                       absl::Span<const DecodedToken> tokens,
                                       absl::string_view after_special) {
  std::string text;
  std::vector<std::string> run;
  const auto end_run = [&] {
    const bool ok = file.DecodePieces(run, &text);
    run.clear();
    return ok;
  };
  for (const DecodedToken& token : tokens) {
    if (!token.special) {
      run.emplace_back(token.text);
      continue;
    }
    if (!end_run()) break;
    absl::StrAppend(&text, token.text, after_special);
  }
  if (!end_run()) {
    return absl::InvalidArgumentError("the SentencePiece model does not take these tokens");
  }
  return text;
}

absl::string_view StripWhiteSpace(absl::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    size_t next = begin;
    if (!IsWhitespace(NextCodePoint(text, &next))) break;
    begin = next;
  }
  size_t end = text.size();
  while (end > begin) {
    size_t previous = end;
    if (!IsWhitespace(PreviousCodePoint(text, &previous))) break;
    end = previous;
  }
  return text.substr(begin, end - begin);
}

absl::StatusOr<std::unique_ptr<SentencePieceFile>> LoadSentencePieceFile(const std::string& path) {
  constexpr int64_t kMaxBytes = int64_t{256} << 20;
  ASSIGN_OR_RETURN(const RegularFile bytes, RegularFile::Open(path));
  if (bytes.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", bytes.size(), " bytes, at most ", kMaxBytes, " are allowed"));
  }
  ASSIGN_OR_RETURN(const std::string contents, bytes.ReadAll());
  std::unique_ptr<SentencePieceFile> file = SentencePieceFile::Parse(contents);
  if (file == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a SentencePiece model"));
  }
  return file;
}

}  // namespace attentiond
