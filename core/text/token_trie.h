// core/text/token_trie.h -- finds the longest token at the beginning of a text, in one walk over
// its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace attentiond {

/// A trie over bytes. Threads: immutable.
class TokenTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNoNode = 0xffffffff;
  static constexpr int32_t kNoValue = -1;

  struct Match {
    size_t length = 0;  ///< bytes; 0 when nothing matches
    int32_t value = kNoValue;
  };

  TokenTrie() : TokenTrie(std::vector<std::pair<absl::string_view, int32_t>>()) {}
  /// Keys with values >= 0. Of equal keys the first counts; the empty key never matches.
  explicit TokenTrie(std::vector<std::pair<absl::string_view, int32_t>> keys);

  /// Where `label` leads from `node`; kNoNode when nowhere.
  Node Child(Node node, char label) const {
    const NodeData& data = nodes_[node];
    if (data.num_children == 1) return label == data.first_label ? data.first_child : kNoNode;
    const void* const found = std::memchr(labels_.data() + data.first_child,
                                          static_cast<unsigned char>(label), data.num_children);
    if (found == nullptr) return kNoNode;
    return static_cast<Node>(static_cast<const char*>(found) - labels_.data());
  }
  /// The value of the key that leads to `node`; kNoValue when none does.
  int32_t Value(Node node) const { return nodes_[node].value; }
  /// Where all of `text` leads from the root; kNoNode when nowhere.
  Node Walk(absl::string_view text) const;
  /// The longest non-empty prefix of `text` that leads from `node` to a value.
  Match LongestPrefix(absl::string_view text, Node node = kRoot) const;

 private:
  // The children of a node are neighbours; labels_[n] is the byte that leads to node n. In a large
  // vocabulary each look is a cache miss, so a node has all that most steps need.
  struct NodeData {
    Node first_child = 0;
    int32_t value = kNoValue;
    uint16_t num_children = 0;
    char first_label = 0;
  };
  std::vector<NodeData> nodes_;
  std::vector<char> labels_;
};

}  // namespace attentiond
