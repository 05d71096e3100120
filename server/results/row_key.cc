#include "server/results/row_key.h"

#include <cstdint>

namespace attentiond {
namespace {

template <typename T>
void Append(const T& value, RowKey* key) {
  key->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void Append(absl::Span<const int32_t> values, RowKey* key) {
  Append(values.size(), key);
  key->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int32_t));
}

}  // namespace

RowKey KeyOf(const EncoderRow& row) {
  RowKey key;
  const size_t numbers = row.ids.size() + row.type_ids.size() + row.positions.size();
  key.reserve(numbers * sizeof(int32_t) + 64);
  Append(row.want_logits, &key);
  Append(row.want_embedding, &key);
  Append(row.want_hidden_state, &key);
  Append(row.want_attentions, &key);
  Append(row.pooling, &key);
  Append(row.normalize, &key);
  Append(row.dimensions, &key);
  Append(row.ids, &key);
  Append(row.type_ids, &key);
  Append(row.positions, &key);
  return key;
}

}  // namespace attentiond
