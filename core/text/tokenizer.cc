#include "core/text/tokenizer.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/text/pipeline_tokenizer.h"
#include "core/text/sentence_piece_files.h"
#include "core/text/tokenizer_config.h"
#include "core/text/tokenizer_json.h"
#include "core/text/vocab_merges.h"
#include "core/text/vocab_txt.h"
#include "core/weights/json_file.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// A file of text or of a SentencePiece model.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  constexpr int64_t kMaxBytes = int64_t{256} << 20;
  ASSIGN_OR_RETURN(const RegularFile file, RegularFile::Open(path));
  if (file.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", file.size(), " bytes, at most ", kMaxBytes, " are allowed"));
  }
  return file.ReadAll();
}

using Loaded = absl::StatusOr<std::unique_ptr<Tokenizer>>;

Loaded Build(const std::string& path, const absl::StatusOr<json>& contents, int64_t max_length) {
  if (!contents.ok()) return Prefixed(path, contents.status());
  auto tokenizer = BuildTokenizer(*contents, max_length);
  if (!tokenizer.ok()) return Prefixed(path, tokenizer.status());
  return tokenizer;
}

Loaded LoadMerges(const std::string& vocab_path, const std::string& merges_path,
                  const TokenizerConfig& config, int64_t max_length) {
  ASSIGN_OR_RETURN(const json vocab, ReadJsonFile(vocab_path));
  ASSIGN_OR_RETURN(const std::string merges, ReadFile(merges_path));
  return Build(merges_path, TokenizerJsonFromMerges(vocab, merges, config), max_length);
}

Loaded LoadSentencePiece(const std::string& path, const TokenizerConfig& config,
                         int64_t max_length) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  auto parts = PartsFromSentencePiece(bytes, config);
  if (!parts.ok()) return Prefixed(path, parts.status());
  parts->model_max_length = max_length;
  return std::make_unique<PipelineTokenizer>(*std::move(parts));
}

// Without a tokenizer.json.
Loaded LoadOlderFiles(const std::string& directory, const TokenizerConfig& config,
                      int64_t max_length) {
  const auto in = [&directory](const char* name) { return absl::StrCat(directory, "/", name); };
  if (Exists(in("vocab.txt"))) {
    ASSIGN_OR_RETURN(const std::string vocab, ReadFile(in("vocab.txt")));
    return Build(in("vocab.txt"), TokenizerJsonFromVocab(vocab, config), max_length);
  }
  if (Exists(in("vocab.json")) && Exists(in("merges.txt"))) {
    return LoadMerges(in("vocab.json"), in("merges.txt"), config, max_length);
  }
  for (const char* const name : {"sentencepiece.bpe.model", "spiece.model", "spm.model",
                                 "sentencepiece.model", "tokenizer.model"}) {
    if (Exists(in(name))) return LoadSentencePiece(in(name), config, max_length);
  }
  return absl::NotFoundError(
      absl::StrCat(directory,
                   ": no tokenizer.json, vocab.txt, vocab.json with merges.txt, or SentencePiece "
                   "model (spiece.model, spm.model, sentencepiece.bpe.model)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  ASSIGN_OR_RETURN(const json config_json, ReadTokenizerConfigFile(directory));
  ASSIGN_OR_RETURN(std::string model_type, ReadModelType(directory));
  const TokenizerConfig config(config_json, std::move(model_type));
  ASSIGN_OR_RETURN(const int64_t model_max_length, config.ModelMaxLength());
  const std::string path = absl::StrCat(directory, "/tokenizer.json");
  if (Exists(path)) {
    ASSIGN_OR_RETURN(json contents, ReadJsonFile(path));
    return Build(path, std::move(contents), model_max_length);
  }
  return LoadOlderFiles(directory, config, model_max_length);
}

}  // namespace attentiond
