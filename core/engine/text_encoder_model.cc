// core/engine/text_encoder_model.cc -- loads an encoder, its head and its tokenizer, and runs them.
#include "core/engine/text_encoder_model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/checked_load.h"
#include "core/engine/encoder_row_validation.h"
#include "core/engine/fit_tokenizer.h"
#include "core/engine/precision.h"
#include "core/engine/ragged_batch.h"
#include "core/models/classification_head.h"
#include "core/models/embedding_head.h"
#include "core/models/encoder.h"
#include "core/models/float_conversion.h"
#include "core/models/sentence_transformers.h"

namespace attentiond {
namespace {

class TextEncoderModel final : public Model, public TextEncoder {
 public:
  struct Parts {
    ModelInfo info;
    PositionRule positions;
    HeadPooling head_pooling = HeadPooling::kFirstToken;
    std::unique_ptr<const Tokenizer> tokenizer = nullptr;  // nullptr: the checkpoint has none
    Encoder encoder;
    EmbeddingHead embedding;
    std::optional<ClassificationHead> head = std::nullopt;  // of classification models
  };
  explicit TextEncoderModel(Parts parts) : parts_(std::move(parts)) {}

  const ModelInfo& info() const override { return parts_.info; }
  const TextEncoder* AsTextEncoder() const override { return this; }
  const Tokenizer* tokenizer() const override { return parts_.tokenizer.get(); }
  absl::Status Validate(const EncoderRow& row) const override {
    return ValidateEncoderRow(row, parts_.info);
  }
  absl::Status Run(absl::Span<const EncoderRow> rows, ExecutionContext& context,
                   std::vector<EncoderRowResult>* results) const override;

 private:
  std::vector<float*> MakeRoomForAttentions(const RaggedBatch& batch,
                                            absl::Span<const EncoderRow> rows,
                                            std::vector<EncoderRowResult>* results) const;
  absl::Status RunHead(const RaggedBatch& batch, const TensorView& hidden,
                       absl::Span<const EncoderRow> rows, ExecutionContext& context,
                       std::vector<EncoderRowResult>* results) const;
  absl::Status RunEmbeddings(const RaggedBatch& batch, const TensorView& hidden,
                             absl::Span<const EncoderRow> rows, ExecutionContext& context,
                             std::vector<EncoderRowResult>* results) const;
  void TakeHiddenStates(const RaggedBatch& batch, const TensorView& hidden,
                        absl::Span<const EncoderRow> rows, ExecutionContext& context,
                        std::vector<EncoderRowResult>* results) const;
  bool ClassifiesTokens() const { return parts_.info.kind == ModelKind::kTokenClassification; }
  /// Whether what the row wants comes from its first token alone.
  bool NeedsFirstToken(const EncoderRow& row) const {
    if (row.want_hidden_state || row.want_attentions) return false;
    if (row.want_embedding && !parts_.embedding.ReadsFirstTokenOnly(row.pooling)) return false;
    return !row.want_logits ||
           (!ClassifiesTokens() && parts_.head_pooling == HeadPooling::kFirstToken);
  }

  const Parts parts_;
};

absl::Status TextEncoderModel::Run(absl::Span<const EncoderRow> rows, ExecutionContext& context,
                                   std::vector<EncoderRowResult>* results) const {
  results->clear();
  results->resize(rows.size());
  if (rows.empty()) return absl::OkStatus();
  RaggedBatch batch =
      MakeRaggedBatch(rows, parts_.info.type_vocab_size > 0, parts_.positions,
                      [this](const EncoderRow& row) { return NeedsFirstToken(row); });
  const std::vector<float*> attentions = MakeRoomForAttentions(batch, rows, results);
  ASSIGN_OR_RETURN(const TensorView hidden,
                   parts_.encoder.Run({.ids = batch.ids,
                                       .type_ids = batch.type_ids,
                                       .positions = batch.positions,
                                       .cumulative = batch.cumulative,
                                       .places = batch.places,
                                       .attentions = attentions,
                                       .first_token_rows = batch.first_token_rows},
                                      context));
  batch.KeepFirstTokens();

  TakeHiddenStates(batch, hidden, rows, context, results);
  RETURN_IF_ERROR(RunEmbeddings(batch, hidden, rows, context, results));
  return RunHead(batch, hidden, rows, context, results);
}

/// For the rows that want them, in the order of their places.
std::vector<float*> TextEncoderModel::MakeRoomForAttentions(
    const RaggedBatch& batch, absl::Span<const EncoderRow> rows,
    std::vector<EncoderRowResult>* results) const {
  const int64_t maps = parts_.info.num_layers * parts_.info.num_heads;
  std::vector<float*> attentions;
  for (size_t place = 0; place < batch.rows.size(); ++place) {
    const size_t row = batch.rows[place];
    if (!rows[row].want_attentions) continue;
    std::vector<float>& wanted = (*results)[row].attentions;
    wanted.resize(static_cast<size_t>(maps * batch.length(place) * batch.length(place)));
    attentions.push_back(wanted.data());
  }
  return attentions;
}

void TextEncoderModel::TakeHiddenStates(const RaggedBatch& batch, const TensorView& hidden,
                                        absl::Span<const EncoderRow> rows,
                                        ExecutionContext& context,
                                        std::vector<EncoderRowResult>* results) const {
  const int64_t width = parts_.info.hidden_size;
  const auto places = static_cast<int64_t>(rows.size());
  context.threads().ParallelFor(places, 1, [&](int64_t begin, int64_t end, int) {
    for (auto place = static_cast<size_t>(begin); place < static_cast<size_t>(end); ++place) {
      const size_t row = batch.rows[place];
      if (!rows[row].want_hidden_state) continue;
      std::vector<float>& states = (*results)[row].hidden_state;
      states.resize(static_cast<size_t>(batch.length(place) * width));
      ToFloats(hidden, batch.cumulative[place] * width, absl::MakeSpan(states));
    }
  });
}

absl::Status TextEncoderModel::RunEmbeddings(const RaggedBatch& batch, const TensorView& hidden,
                                             absl::Span<const EncoderRow> rows,
                                             ExecutionContext& context,
                                             std::vector<EncoderRowResult>* results) const {
  std::vector<EmbeddingCall> calls;
  std::vector<size_t> wanting;
  for (size_t place = 0; place < batch.rows.size(); ++place) {
    const EncoderRow& row = rows[batch.rows[place]];
    if (!row.want_embedding) continue;
    calls.push_back({.tokens = {batch.cumulative[place], batch.cumulative[place + 1]},
                     .pooling = row.pooling,
                     .dimensions = row.dimensions,
                     .normalize = row.normalize});
    wanting.push_back(batch.rows[place]);
  }
  return parts_.embedding.Run(
      hidden, calls,
      [&](size_t call, std::vector<float> embedding) {
        (*results)[wanting[call]].embedding = std::move(embedding);
      },
      context);
}

absl::Status TextEncoderModel::RunHead(const RaggedBatch& batch, const TensorView& hidden,
                                       absl::Span<const EncoderRow> rows, ExecutionContext& context,
                                       std::vector<EncoderRowResult>* results) const {
  std::vector<TokenRange> ranges;
  std::vector<std::pair<size_t, size_t>> wanting;  // rows, and how many ranges each has
  for (size_t place = 0; place < batch.rows.size(); ++place) {
    if (!rows[batch.rows[place]].want_logits) continue;
    const size_t before = ranges.size();
    const int64_t begin = batch.cumulative[place], end = batch.cumulative[place + 1];
    if (ClassifiesTokens()) {
      for (int64_t token = begin; token < end; ++token) ranges.push_back({token, token + 1});
    } else if (parts_.head_pooling == HeadPooling::kMean) {
      ranges.push_back({begin, end});
    } else {
      ranges.push_back({begin, begin + 1});
    }
    wanting.emplace_back(batch.rows[place], ranges.size() - before);
  }
  if (wanting.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(absl::Span<const float> logits, parts_.head->Run(hidden, ranges, context));
  const auto num_labels = static_cast<size_t>(parts_.head->num_labels());
  for (const auto& [row, count] : wanting) {
    const absl::Span<const float> of_row = logits.first(count * num_labels);
    (*results)[row].logits.assign(of_row.begin(), of_row.end());
    logits.remove_prefix(of_row.size());
  }
  return absl::OkStatus();
}

ModelKind KindOf(EncoderTask task) {
  switch (task) {
    case EncoderTask::kSequenceClassification:
      return ModelKind::kSequenceClassification;
    case EncoderTask::kTokenClassification:
      return ModelKind::kTokenClassification;
    case EncoderTask::kEmbedding:
      break;
  }
  return ModelKind::kEmbedding;
}

ModelInfo InfoOf(const EncoderConfig& config, DType compute) {
  ModelInfo info;
  info.kind = KindOf(config.task);
  info.architecture = config.family->model_type;
  info.compute = compute;
  info.hidden_size = config.hidden_size;
  info.num_layers = config.num_layers;
  info.num_heads = config.num_heads;
  info.max_length = config.max_tokens();
  info.padding_id = config.positions.padding_id;
  info.vocab_size = config.vocab_size;
  info.type_vocab_size = config.type_vocab_size;
  info.labels = config.labels.labels;
  if (config.task == EncoderTask::kSequenceClassification) {
    info.score_function = config.labels.score_function;
  }
  return info;
}

/// A checkpoint without tokenizer files is served by token ids alone.
absl::Status LoadTokenizer(const std::string& directory, TextEncoderModel::Parts* parts) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Load(directory);
  if (absl::IsNotFound(tokenizer.status())) return absl::OkStatus();
  RETURN_IF_ERROR(tokenizer.status());
  // In Tokenizer::Load()'s order.
  constexpr absl::string_view kFiles[] = {"tokenizer.json",          "vocab.txt",      "vocab.json",
                                          "sentencepiece.bpe.model", "spiece.model",   "spm.model",
                                          "sentencepiece.model",     "tokenizer.model"};
  RETURN_IF_ERROR(FitTokenizer(directory, kFiles,
                               {(*tokenizer)->vocab_size(), (*tokenizer)->model_max_length()},
                               &parts->info));
  parts->tokenizer = *std::move(tokenizer);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadTextEncoder(const Checkpoint& checkpoint,
                                                             const EncoderFamily& family,
                                                             const LoadOptions& options) {
  ASSIGN_OR_RETURN(const EncoderConfig config, ParseEncoderConfig(family, checkpoint.config()));
  const LinearTypes types =
      ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16);
  WeightLoader loader(&checkpoint);
  const auto load = [&config](LinearTypes in, WeightLoader* weights) {
    return Encoder::Load(config, in, weights);
  };
  const auto run = [](const Encoder& encoder) { return RunCanary(encoder); };
  ASSIGN_OR_RETURN(auto checked, LoadChecked(types, checkpoint, &loader, load, run));
  SentenceTransformersConfig sentences;
  if (config.task == EncoderTask::kEmbedding) {
    ASSIGN_OR_RETURN(sentences,
                     ReadSentenceTransformersConfig(checkpoint.directory(), config.hidden_size));
  }
  ASSIGN_OR_RETURN(EmbeddingHead embedding, EmbeddingHead::Load(sentences, config.hidden_size));
  TextEncoderModel::Parts parts{.info = InfoOf(config, types.weights),
                                .positions = config.positions,
                                .head_pooling = config.head_pooling,
                                .encoder = std::move(checked.model),
                                .embedding = std::move(embedding)};
  parts.info.int8_cosine = checked.int8_cosine;
  if (config.task != EncoderTask::kEmbedding) {
    ASSIGN_OR_RETURN(parts.head, ClassificationHead::Load(config, &loader));
  }
  parts.info.embedding_size = parts.embedding.SizeOf(Pooling::kModelDefault);
  parts.info.chosen_embedding_size = parts.embedding.SizeOf(Pooling::kMean);
  parts.info.prompts = std::move(sentences.prompts);
  parts.info.default_prompt = std::move(sentences.default_prompt);
  if (sentences.max_length > 0) {
    parts.info.max_length = std::min(parts.info.max_length, sentences.max_length);
  }
  RETURN_IF_ERROR(LoadTokenizer(checkpoint.directory(), &parts));
  parts.info.weight_bytes = loader.loaded_bytes() + parts.embedding.loaded_bytes();
  return std::make_shared<const TextEncoderModel>(std::move(parts));
}

}  // namespace attentiond
