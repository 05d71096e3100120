#include "server/results/row_sharing.h"

#include <utility>

namespace attentiond {
namespace {

// Larger results (hidden states, attention maps) are not kept until the next batch.
constexpr size_t kMostKeptFloats = 16 * 1024;

bool IsKept(const EncoderRowResult& result) {
  const size_t floats = result.logits.size() + result.embedding.size() +
                        result.hidden_state.size() + result.attentions.size();
  return floats > 0 && floats <= kMostKeptFloats;
}

}  // namespace

std::vector<size_t> RowSharing::Begin(const std::vector<Row>& rows) {
  keys_.clear();
  sources_.assign(rows.size(), Source());
  std::vector<size_t> to_compute;
  absl::flat_hash_map<absl::string_view, size_t> first;  // of each key, among the rows to compute
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto [same, is_new] = first.try_emplace(*rows[i].key, to_compute.size());
    sources_[i].computed = same->second;
    if (!is_new) continue;
    const auto recent = rows[i].queued < recent_end_ ? recent_.find(*rows[i].key) : recent_.end();
    if (recent != recent_.end()) {
      sources_[i].recent = &recent->second;
      first.erase(same);
      continue;
    }
    to_compute.push_back(i);
    keys_.push_back(rows[i].key);
  }
  return to_compute;
}

std::vector<EncoderRowResult> RowSharing::End(std::vector<EncoderRowResult> computed,
                                              absl::Time now) {
  std::vector<int> uses(computed.size());
  for (const Source& source : sources_) {
    if (source.recent == nullptr) ++uses[source.computed];
  }
  std::vector<EncoderRowResult> results;
  results.reserve(sources_.size());
  for (const Source& source : sources_) {
    if (source.recent != nullptr) {
      results.push_back(*source.recent);
      continue;
    }
    EncoderRowResult& result = computed[source.computed];
    const bool is_last = --uses[source.computed] == 0;
    if (is_last && !IsKept(result)) {
      results.push_back(std::move(result));
    } else {
      results.push_back(result);
    }
  }
  recent_.clear();
  recent_end_ = now;
  for (size_t i = 0; i < computed.size(); ++i) {
    if (IsKept(computed[i])) recent_.emplace(*keys_[i], std::move(computed[i]));
  }
  return results;
}

}  // namespace attentiond
