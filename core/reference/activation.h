// core/reference/activation.h -- the non-linearities by their definitions.
#pragma once

#include "core/tensor/activation_kind.h"

namespace attentiond::reference {

/// activation(x).
/// Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, for GELU and its tanh approximation.
double Activate(Activation activation, double x);

}  // namespace attentiond::reference
