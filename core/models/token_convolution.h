// core/models/token_convolution.h -- the convolution beside the first layer of some DeBERTa models.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/models/encoder_batch.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// hidden = norm(hidden + activation(convolution(embeddings))) over each token and its neighbours;
/// beyond a row's ends there are zeros. Immutable; may be shared by contexts.
class TokenConvolution {
 public:
  static absl::StatusOr<TokenConvolution> Load(const EncoderConfig& config,
                                               const std::string& prefix, LinearTypes types,
                                               WeightLoader* loader);

  struct Call {
    const void* embeddings = nullptr;  ///< [T, H] in the type of the activations
    void* neighbours = nullptr;        ///< [T, 3H]: scratch
    void* hidden = nullptr;            ///< [T, H]; rows of all three are RowStride() apart
  };
  absl::Status Run(const EncoderBatch& batch, const Call& call, ExecutionContext& context) const;

 private:
  TokenConvolution(Linear linear, NormWeights norm, Activation activation, float epsilon)
      : linear_(std::move(linear)),
        norm_(std::move(norm)),
        activation_(activation),
        epsilon_(epsilon) {}

  Linear linear_;  // [H, 3H]: of the token before, the token, and the one after
  NormWeights norm_;
  Activation activation_;
  float epsilon_;
};

}  // namespace attentiond
