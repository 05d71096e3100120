#include "core/text/token_trie.h"

#include <algorithm>

namespace attentiond {

TokenTrie::TokenTrie(std::vector<std::pair<absl::string_view, int32_t>> keys) {
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  // Breadth first, so that siblings become neighbours: ranges[n] are the keys that begin with what
  // leads to node n, which is `depth` bytes long.
  struct Range {
    size_t begin;
    size_t end;
    size_t depth;
  };
  std::vector<Range> ranges;
  const auto add_node = [&](char label, Range range) {
    ranges.push_back(range);
    labels_.push_back(label);
    nodes_.push_back({});
  };
  add_node('\0', {0, keys.size(), 0});
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    for (; begin < end && keys[begin].first.size() == depth; ++begin) {
      if (nodes_[node].value == kNoValue) nodes_[node].value = keys[begin].second;
    }
    nodes_[node].first_child = static_cast<Node>(ranges.size());
    nodes_[node].first_label = begin < end ? keys[begin].first[depth] : '\0';
    while (begin < end) {
      const char label = keys[begin].first[depth];
      size_t group_end = begin + 1;
      while (group_end < end && keys[group_end].first[depth] == label) ++group_end;
      add_node(label, {begin, group_end, depth + 1});
      ++nodes_[node].num_children;
      begin = group_end;
    }
  }
}

TokenTrie::Node TokenTrie::Walk(absl::string_view text) const {
  Node node = kRoot;
  for (const char c : text) {
    node = Child(node, c);
    if (node == kNoNode) break;
  }
  return node;
}

TokenTrie::Match TokenTrie::LongestPrefix(absl::string_view text, Node node) const {
  Match match;
  for (size_t i = 0; i < text.size(); ++i) {
    node = Child(node, text[i]);
    if (node == kNoNode) break;
    const int32_t value = Value(node);
    if (value != kNoValue) match = {i + 1, value};
  }
  return match;
}

}  // namespace attentiond
