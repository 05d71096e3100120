// core/models/encoder.cc -- embeddings, then layers.
#include "core/models/encoder.h"

#include <string>
#include <utility>

#include "core/base/status_macros.h"

namespace attentiond {

absl::StatusOr<Encoder> Encoder::Load(const EncoderConfig& config, LinearTypes types,
                                      WeightLoader* loader) {
  const std::string prefix = EncoderPrefix(*config.family, loader->checkpoint());
  ASSIGN_OR_RETURN(EncoderEmbeddings embeddings,
                   EncoderEmbeddings::Load(config, prefix, types, loader));
  ASSIGN_OR_RETURN(EncoderLayers layers, EncoderLayers::Load(config, prefix, types, loader));
  return Encoder(std::move(embeddings), std::move(layers));
}

absl::StatusOr<TensorView> Encoder::Run(const EncoderBatch& batch,
                                        ExecutionContext& context) const {
  RETURN_IF_ERROR(embeddings_.Run(batch, layers_.InputFor(batch.num_tokens(), context), context));
  return layers_.Run(batch, context);
}

}  // namespace attentiond
