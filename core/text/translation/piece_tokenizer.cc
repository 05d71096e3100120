#include "core/text/translation/piece_tokenizer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/text/text_check.h"
#include "core/text/unicode.h"
#include "core/weights/json_file.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::StatusOr<PieceTokenizer> PieceTokenizer::Load(const std::string& directory,
                                                    const char* model_file,
                                                    const TokenizerConfig& config,
                                                    absl::Span<const SpecialToken> special_tokens,
                                                    Prefix prefix) {
  const std::string vocab_path = absl::StrCat(directory, "/vocab.json");
  ASSIGN_OR_RETURN(const nlohmann::json vocab, ReadJsonFile(vocab_path));
  ASSIGN_OR_RETURN(std::unique_ptr<SentencePieceFile> file,
                   LoadSentencePieceFile(absl::StrCat(directory, "/", model_file)));
  ASSIGN_OR_RETURN(const std::string unknown, config.Content(kUnknown));
  ASSIGN_OR_RETURN(const std::string end, config.Content(kEnd));
  auto listed = config.AddedTokens(special_tokens, vocab);
  if (!listed.ok()) return Prefixed(vocab_path, listed.status());
  auto vocabulary = Vocabulary::FromJson(vocab);
  if (!vocabulary.ok()) return Prefixed(vocab_path, vocabulary.status());
  // They are looked for in the text as it is: nothing normalizes it before the model does.
  for (nlohmann::json& token : *listed) token["normalized"] = false;
  auto added = AddedTokens::FromJson(*listed, *vocabulary, /*normalizer=*/nullptr);
  if (!added.ok()) return Prefixed(vocab_path, added.status());
  PieceTokenizer pieces(std::move(file), *std::move(vocabulary), *std::move(added), prefix);
  pieces.unknown_id_ = *pieces.vocabulary_.Find(unknown);
  pieces.end_id_ = *pieces.vocabulary_.Find(end);
  return pieces;
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
