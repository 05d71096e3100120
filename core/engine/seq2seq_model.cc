// core/engine/seq2seq_model.cc -- loads an encoder, a decoder and their tokenizer, and joins them.
#include "core/engine/seq2seq_model.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/checked_load.h"
#include "core/engine/fit_tokenizer.h"
#include "core/engine/generator_canary.h"
#include "core/engine/generator_parts.h"
#include "core/engine/precision.h"
#include "core/engine/text_generator.h"
#include "core/models/seq2seq/seq2seq_config.h"
#include "core/models/seq2seq/seq2seq_loader.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {
namespace {

class Seq2SeqModel final : public Model, public TextGenerator, public SourceModel {
 public:
  struct Parts {
    ModelInfo info;
    GenerationOptions defaults;
    std::unique_ptr<const TranslationTokenizer> tokenizer;  // nullptr: the checkpoint has none
    TextSeq2Seq model;
  };
  explicit Seq2SeqModel(Parts parts) : parts_(std::move(parts)) {}

  const ModelInfo& info() const override { return parts_.info; }
  const TextGenerator* AsTextGenerator() const override { return this; }

  const TranslationTokenizer* translation_tokenizer() const override {
    return parts_.tokenizer.get();
  }
  const GenerationOptions& default_options() const override { return parts_.defaults; }
  int64_t max_source_length() const override { return parts_.info.max_length; }
  int64_t max_target_length() const override { return decoder().config().max_tokens; }
  absl::Status Validate(const GenerationInput& input) const override;
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const override;
  std::string TokenText(int32_t id) const override {
    if (parts_.tokenizer == nullptr) return "";
    return std::string(parts_.tokenizer->TargetToken(id));
  }
  std::unique_ptr<Generation> NewGeneration(int64_t cache_bytes) const override {
    return MakeGeneration(*this, decoder(), max_source_length(), cache_bytes);
  }

  int64_t SourceLength(const GenerationInput& input) const override {
    return static_cast<int64_t>(input.source_ids.size());
  }
  absl::StatusOr<TensorView> Encode(absl::Span<const GenerationInput* const> inputs,
                                    ExecutionContext& context) const override;

 private:
  const Decoder& decoder() const { return parts_.model.decoder; }

  const Parts parts_;
};

absl::Status Seq2SeqModel::Validate(const GenerationInput& input) const {
  const auto tokens = static_cast<int64_t>(input.source_ids.size());
  if (tokens < 1 || tokens > max_source_length()) {
    return absl::InvalidArgumentError(absl::StrCat("the source has ", tokens, " tokens, 1 to ",
                                                   max_source_length(), " are possible"));
  }
  for (const int32_t id : input.source_ids) {
    if (id >= 0 && id < parts_.info.vocab_size) continue;
    return absl::InvalidArgumentError(absl::StrCat("the source has the token ", id, ", 0 to ",
                                                   parts_.info.vocab_size - 1,
                                                   " are in the vocabulary"));
  }
  return CheckGenerationInput(input, decoder().vocab_size(), max_target_length());
}

absl::StatusOr<std::string> Seq2SeqModel::Decode(absl::Span<const int32_t> ids) const {
  if (parts_.tokenizer == nullptr) {
    return absl::FailedPreconditionError("the checkpoint has no tokenizer files");
  }
  return parts_.tokenizer->DecodeTarget(ids, /*skip_special_tokens=*/true);
}

absl::StatusOr<TensorView> Seq2SeqModel::Encode(absl::Span<const GenerationInput* const> inputs,
                                                ExecutionContext& context) const {
  std::vector<int32_t> ids;
  std::vector<int64_t> cumulative = {0};
  for (const GenerationInput* const input : inputs) {
    ids.insert(ids.end(), input->source_ids.begin(), input->source_ids.end());
    cumulative.push_back(static_cast<int64_t>(ids.size()));
  }
  return parts_.model.encoder.Run(ids, cumulative, context);
}

ModelInfo InfoOf(const Seq2SeqConfig& config, DType compute) {
  ModelInfo info;
  info.kind = ModelKind::kTranslation;
  info.architecture = config.family->model_type;
  info.compute = compute;
  info.hidden_size = config.encoder.hidden_size;
  info.num_layers = config.decoder.num_layers;
  info.num_heads = config.decoder.num_heads;
  info.max_length = config.encoder.max_tokens;
  info.vocab_size = config.encoder.vocab_size;
  return info;
}

absl::Status LoadTokenizer(const std::string& directory, Seq2SeqModel::Parts* parts) {
  absl::StatusOr<std::unique_ptr<TranslationTokenizer>> tokenizer =
      TranslationTokenizer::Load(directory);
  if (absl::IsNotFound(tokenizer.status())) return absl::OkStatus();
  RETURN_IF_ERROR(tokenizer.status());
  constexpr absl::string_view kFiles[] = {"tokenizer.json", "source.spm", "sentencepiece.bpe.model",
                                          "spiece.model", "vocab.json"};
  RETURN_IF_ERROR(FitTokenizer(directory, kFiles,
                               {(*tokenizer)->vocab_size(), (*tokenizer)->model_max_length()},
                               &parts->info));
  parts->tokenizer = *std::move(tokenizer);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadSeq2SeqModel(const Checkpoint& checkpoint,
                                                              const Seq2SeqFamily& family,
                                                              const LoadOptions& options) {
  ASSIGN_OR_RETURN(const Seq2SeqConfig config, ParseSeq2SeqConfig(family, checkpoint.config()));
  const LinearTypes types =
      ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16);
  WeightLoader loader(&checkpoint);
  const auto load = [&config](LinearTypes in, WeightLoader* weights) {
    return LoadTextSeq2Seq(config, in, weights);
  };
  const auto run = [](const TextSeq2Seq& model) { return RunCanary(model); };
  ASSIGN_OR_RETURN(auto checked, LoadChecked(types, checkpoint, &loader, load, run));
  ASSIGN_OR_RETURN(GenerationOptions defaults,
                   LoadGeneratorOptions(checkpoint.directory(), config.decoder));
  Seq2SeqModel::Parts parts{InfoOf(config, types.weights), std::move(defaults), nullptr,
                            std::move(checked.model)};
  parts.info.int8_cosine = checked.int8_cosine;
  RETURN_IF_ERROR(LoadTokenizer(checkpoint.directory(), &parts));
  parts.info.weight_bytes = loader.loaded_bytes();
  return std::make_shared<const Seq2SeqModel>(std::move(parts));
}

}  // namespace attentiond
