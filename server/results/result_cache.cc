#include "server/results/result_cache.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

RowKey KeyIn(int64_t model, const RowKey& key) {
  return absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&model), sizeof(model)), key);
}

// With the list's and the map's nodes.
int64_t BytesOf(const RowKey& key, const EncoderRowResult& result, size_t entry_bytes) {
  constexpr size_t kNodes = 96;
  const size_t floats = result.logits.size() + result.embedding.size() +
                        result.hidden_state.size() + result.attentions.size();
  return static_cast<int64_t>(key.size() + floats * sizeof(float) + entry_bytes + kNodes);
}

}  // namespace

int64_t ResultCache::NewModel() {
  MutexLock lock(&mutex_);
  return ++models_;
}

bool ResultCache::Find(int64_t model, const RowKey& key, EncoderRowResult* result) {
  const RowKey whole = KeyIn(model, key);
  MutexLock lock(&mutex_);
  const auto found = by_key_.find(whole);
  if (found == by_key_.end()) return false;
  entries_.splice(entries_.begin(), entries_, found->second);
  *result = found->second->result;
  return true;
}

void ResultCache::Insert(int64_t model, const RowKey& key, const EncoderRowResult& result) {
  Entry entry{KeyIn(model, key), result, 0};
  entry.bytes = BytesOf(entry.key, result, sizeof(Entry));
  if (entry.bytes > capacity_ / 16) return;
  MutexLock lock(&mutex_);
  if (by_key_.contains(entry.key)) return;
  while (bytes_ + entry.bytes > capacity_) RemoveOldest();
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
}

void ResultCache::RemoveOldest() {
  const Entry& oldest = entries_.back();
  bytes_ -= oldest.bytes;
  by_key_.erase(oldest.key);
  entries_.pop_back();
}

int64_t ResultCache::bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace attentiond
