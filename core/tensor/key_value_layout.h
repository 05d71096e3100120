// core/tensor/key_value_layout.h -- how keys and values lie in the pages of a decoder's cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor/dtype.h"

namespace attentiond {

/// A page holds the keys and values of kTokens adjacent tokens, of all layers and heads:
///   [layers][heads] of  keys   [head_dim / g][kTokens][g]  g = 2 in bf16, 1 in f32
///                       values [kTokens][head_dim]
/// so that a register of keys meets one channel, or two, of a query, without sums over lanes.
struct KeyValueLayout {
  static constexpr int64_t kTokens = 16;

  int64_t layers = 0;
  int64_t heads = 0;          ///< of keys and values
  int64_t head_dim = 0;       ///< channels of a head
  DType dtype = DType::kF32;  ///< kF32 or kBF16

  int64_t group() const { return dtype == DType::kBF16 ? 2 : 1; }
  /// head_dim with a zero where a pair lacks its second.
  int64_t padded_dim() const { return (head_dim + group() - 1) / group() * group(); }
  /// In elements.
  int64_t key_size() const { return padded_dim() * kTokens; }
  int64_t head_size() const { return key_size() + kTokens * head_dim; }
  size_t page_bytes() const {
    return static_cast<size_t>(layers * heads * head_size()) * ByteSize(dtype);
  }
  /// Where a head's keys begin in a page, in bytes; its values follow.
  size_t KeysAt(int64_t layer, int64_t head) const {
    return static_cast<size_t>((layer * heads + head) * head_size()) * ByteSize(dtype);
  }
  size_t ValuesAt(int64_t layer, int64_t head) const {
    return KeysAt(layer, head) + static_cast<size_t>(key_size()) * ByteSize(dtype);
  }
  static int64_t PagesOf(int64_t tokens) { return (tokens + kTokens - 1) / kTokens; }
};

}  // namespace attentiond
