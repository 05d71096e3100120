// server/results/row_key.h -- what makes two rows the same.
#pragma once

#include <string>

#include "core/engine/model.h"

namespace attentiond {

/// Bytes that are equal exactly for rows of one model that have the same result.
using RowKey = std::string;

/// Of a row's tokens, and of what it asks for.
RowKey KeyOf(const EncoderRow& row);

}  // namespace attentiond
