// core/models/encoder_embeddings.cc -- looks up, sums, norms and projects.
#include "core/models/encoder_embeddings.h"

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/embedding.h"
#include "core/ops/layer_norm.h"
#include "core/ops/row_stride.h"
#include "core/ops/workspace.h"

namespace attentiond {

std::string EncoderPrefix(const EncoderFamily& family, const Checkpoint& checkpoint) {
  const bool bare = checkpoint.Has(absl::StrCat(family.names.word_embeddings, ".weight"));
  return bare ? "" : family.prefix;
}

absl::StatusOr<EncoderEmbeddings> EncoderEmbeddings::Load(const EncoderConfig& config,
                                                          const std::string& prefix,
                                                          LinearTypes types, WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const int64_t width = config.embedding_size;
  EncoderEmbeddings result;
  result.compute_ = types.activations;
  result.hidden_size_ = config.hidden_size;
  result.embedding_size_ = width;
  result.epsilon_ = config.layer_norm_eps;
  ASSIGN_OR_RETURN(result.words_,
                   loader->LoadTable(prefix + names.word_embeddings, config.vocab_size, width));
  if (config.has_position_table) {
    ASSIGN_OR_RETURN(result.positions_, loader->LoadTable(prefix + names.position_embeddings,
                                                          config.max_positions, width));
  }
  if (config.type_vocab_size > 0) {
    ASSIGN_OR_RETURN(result.types_, loader->LoadTable(prefix + names.type_embeddings,
                                                      config.type_vocab_size, width));
  }
  result.norms_first_ = config.family->projection != EmbeddingProjection::kBeforeNorm;
  ASSIGN_OR_RETURN(result.norm_, loader->LoadNorm(prefix + names.embeddings_norm,
                                                  result.norms_first_ ? width : config.hidden_size,
                                                  config.norm_bias));
  if (!config.projects_embeddings()) return result;
  // Not in int8: embeddings are as fine as the activations.
  ASSIGN_OR_RETURN(result.projection_,
                   loader->LoadLinear(prefix + names.embedding_projection, config.hidden_size,
                                      width, types.activations, result.norms_first_));
  return result;
}

absl::Status EncoderEmbeddings::Run(const EncoderBatch& batch, void* hidden,
                                    ExecutionContext& context) const {
  absl::InlinedVector<EmbeddingLookup, 3> lookups = {{words_.view(), batch.ids}};
  if (positions_.view().data != nullptr) lookups.push_back({positions_.view(), batch.positions});
  if (types_.view().data != nullptr) lookups.push_back({types_.view(), batch.type_ids});
  const int64_t tokens = batch.num_tokens();
  // As wide as what is looked up: hidden states, or what is projected to them.
  const int64_t embedded_stride = RowStride(embedding_size_, compute_);
  void* embedded = hidden;
  if (projection_) {
    embedded =
        context.workspace().Get(Workspace::Slot::kAttentionOutput,
                                static_cast<size_t>(tokens * embedded_stride) * ByteSize(compute_));
  }
  Embed(lookups, compute_, embedded, embedded_stride, context);
  const auto norm = [&](void* states, int64_t width) {
    LayerNorm({.x = states,
               .y = states,
               .dtype = compute_,
               .rows = tokens,
               .width = width,
               .stride = RowStride(width, compute_),
               .gamma = norm_.gamma.data(),
               .beta = norm_.beta.data(),
               .epsilon = epsilon_},
              context);
  };
  if (norms_first_) norm(embedded, embedding_size_);
  if (projection_) {
    RETURN_IF_ERROR(projection_->Run({.x = embedded,
                                      .x_stride = embedded_stride,
                                      .y = hidden,
                                      .y_stride = RowStride(hidden_size_, compute_),
                                      .rows = tokens},
                                     context));
  }
  if (!norms_first_) norm(hidden, hidden_size_);
  return absl::OkStatus();
}

}  // namespace attentiond
