#include "core/models/seq2seq/seq2seq_loader.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"

namespace attentiond {
namespace {

using Table = std::shared_ptr<const Tensor>;

absl::StatusOr<Table> LoadEmbeddings(const std::string& name, const StackConfig& stack,
                                     WeightLoader* loader) {
  ASSIGN_OR_RETURN(Tensor table, loader->LoadTable(name, stack.vocab_size, stack.hidden_size));
  return std::make_shared<const Tensor>(std::move(table));
}

/// The tables of both stacks: one under the name that they share, or each its own.
absl::StatusOr<std::pair<Table, Table>> LoadBothEmbeddings(const Seq2SeqConfig& config,
                                                           WeightLoader* loader) {
  const bool is_bart = config.family->kind == Seq2SeqKind::kBart;
  const std::string shared = is_bart ? "model.shared" : "shared";
  const StackNames& encoder = EncoderNames(*config.family, false);
  const StackNames& decoder = DecoderNames(*config.family, false);
  const bool has_own = loader->checkpoint().Has(absl::StrCat(decoder.embeddings, ".weight"));
  if (config.shares_embeddings) {
    const bool has_shared = loader->checkpoint().Has(shared + ".weight");
    const std::string name = has_shared || !has_own ? shared : decoder.embeddings;
    ASSIGN_OR_RETURN(const Table table, LoadEmbeddings(name, config.encoder, loader));
    return std::pair(table, table);
  }
  ASSIGN_OR_RETURN(const Table source, LoadEmbeddings(encoder.embeddings, config.encoder, loader));
  ASSIGN_OR_RETURN(const Table target, LoadEmbeddings(decoder.embeddings, config.decoder, loader));
  return std::pair(source, target);
}

absl::StatusOr<Decoder::Head> MakeHead(const TensorView& weight, const TensorView& bias, DType type,
                                       WeightLoader* loader) {
  ASSIGN_OR_RETURN(Linear linear, loader->MakeLinear(weight, bias, type));
  ASSIGN_OR_RETURN(std::optional<LargestOutputSearch> search,
                   loader->MakeSearch(weight, bias, linear));
  return Decoder::Head{std::move(linear), std::move(search)};
}

/// "lm_head", or the decoder's embeddings; with "final_logits_bias" where there is one. What it
/// reads is scaled: so are its weights instead.
absl::StatusOr<Decoder::Head> LoadHead(const Seq2SeqConfig& config, const Tensor& embeddings,
                                       DType type, WeightLoader* loader) {
  const Shape shape{config.decoder.vocab_size, config.decoder.hidden_size};
  const Checkpoint& checkpoint = loader->checkpoint();
  TensorView stored = embeddings.view();
  if (checkpoint.Has("lm_head.weight")) {
    ASSIGN_OR_RETURN(stored, checkpoint.Get("lm_head.weight", shape));
  }
  TensorView bias;
  if (checkpoint.Has("final_logits_bias")) {
    ASSIGN_OR_RETURN(bias, checkpoint.Get("final_logits_bias", Shape{1, shape.dim(0)}));
    bias.shape = Shape{shape.dim(0)};
  }
  if (config.logits_scale == 1) return MakeHead(stored, bias, type, loader);
  Tensor scaled(DType::kF32, shape);
  ToFloats(stored, 0, scaled.values<float>());
  for (float& weight : scaled.values<float>()) weight *= config.logits_scale;
  return MakeHead(scaled.view(), bias, type, loader);
}

}  // namespace

absl::StatusOr<TextSeq2Seq> LoadTextSeq2Seq(const Seq2SeqConfig& config, LinearTypes types,
                                            WeightLoader* loader) {
  ASSIGN_OR_RETURN(const auto tables, LoadBothEmbeddings(config, loader));
  ASSIGN_OR_RETURN(Stack encoder,
                   Stack::Load(config.encoder, EncoderNames(*config.family, config.encoder.gated),
                               tables.first, 0, config.padding_id, types, loader));
  ASSIGN_OR_RETURN(
      Stack decoder,
      Stack::Load(config.decoder, DecoderNames(*config.family, config.decoder.gated), tables.second,
                  config.encoder.hidden_size, config.padding_id, types, loader));
  ASSIGN_OR_RETURN(Decoder::Head head, LoadHead(config, *tables.second, types.activations, loader));
  return TextSeq2Seq{SourceEncoder(std::move(encoder)),
                     Decoder({std::move(decoder), std::nullopt, std::nullopt, std::move(head)})};
}

absl::StatusOr<Decoder> LoadCaptionDecoder(const CaptionConfig& config, LinearTypes types,
                                           WeightLoader* loader) {
  const StackConfig& decoder = config.decoder;
  const Checkpoint& checkpoint = loader->checkpoint();
  const int64_t hidden = decoder.hidden_size, memory = config.vision.layers.hidden_size;
  ASSIGN_OR_RETURN(const Table table, LoadEmbeddings(config.names->embeddings, decoder, loader));
  std::optional<Linear> projection;
  if (!config.memory_projection.empty()) {
    ASSIGN_OR_RETURN(projection,
                     loader->LoadLinear(config.memory_projection, hidden, memory, types));
  }
  ASSIGN_OR_RETURN(Stack stack,
                   Stack::Load(decoder, *config.names, table, projection ? hidden : memory,
                               /*padding_id=*/0, types, loader));
  std::optional<Decoder::HeadTransform> transform;
  if (!config.head_transform.empty()) {
    ASSIGN_OR_RETURN(Linear dense, loader->LoadLinear(config.head_transform + ".dense", hidden,
                                                      hidden, types.activations));
    ASSIGN_OR_RETURN(NormWeights norm,
                     loader->LoadNorm(config.head_transform + ".LayerNorm", hidden));
    transform = {std::move(dense), std::move(norm)};
  }
  TensorView weight = table->view(), bias;
  if (checkpoint.Has(config.head)) {
    ASSIGN_OR_RETURN(weight, checkpoint.Get(config.head, Shape{decoder.vocab_size, hidden}));
  }
  if (!config.head_bias.empty()) {
    ASSIGN_OR_RETURN(bias, checkpoint.Get(config.head_bias, Shape{decoder.vocab_size}));
  }
  ASSIGN_OR_RETURN(Decoder::Head head, MakeHead(weight, bias, types.activations, loader));
  return Decoder({std::move(stack), std::move(projection), std::move(transform), std::move(head)});
}

}  // namespace attentiond
