// core/tensor/activation_kind.h -- the names of the elementwise non-linearities.
#pragma once

#include <cstdint>

namespace attentiond {

enum class Activation : uint8_t {
  kNone,
  kGeluErf,   ///< x/2 (1 + erf(x / sqrt 2)); "gelu"
  kGeluTanh,  ///< the tanh approximation; "gelu_new", "gelu_pytorch_tanh", "gelu_fast"
  kRelu,
  kSilu,  ///< x sigmoid(x); "silu", "swish"
  kTanh,
};

}  // namespace attentiond
