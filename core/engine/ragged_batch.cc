// core/engine/ragged_batch.cc -- concatenates rows.
#include "core/engine/ragged_batch.h"

#include <algorithm>
#include <numeric>

namespace attentiond {

void RaggedBatch::KeepFirstTokens() {
  const int64_t left_out = cumulative[first_token_rows] - static_cast<int64_t>(first_token_rows);
  for (size_t place = 0; place < cumulative.size(); ++place) {
    cumulative[place] =
        place < first_token_rows ? static_cast<int64_t>(place) : cumulative[place] - left_out;
  }
}

RaggedBatch MakeRaggedBatch(absl::Span<const EncoderRow> rows, bool has_types,
                            absl::FunctionRef<bool(const EncoderRow&)> needs_first_token) {
  RaggedBatch batch;
  batch.rows.resize(rows.size());
  std::iota(batch.rows.begin(), batch.rows.end(), size_t{0});
  const auto others = std::stable_partition(batch.rows.begin(), batch.rows.end(), [&](size_t row) {
    return needs_first_token(rows[row]);
  });
  batch.first_token_rows = static_cast<size_t>(others - batch.rows.begin());
  std::stable_partition(others, batch.rows.end(),
                        [&](size_t row) { return !rows[row].want_attentions; });

  batch.cumulative.push_back(0);
  for (const size_t index : batch.rows) {
    const EncoderRow& row = rows[index];
    batch.ids.insert(batch.ids.end(), row.ids.begin(), row.ids.end());
    const size_t end = batch.ids.size();
    batch.type_ids.insert(batch.type_ids.end(), row.type_ids.begin(), row.type_ids.end());
    if (has_types) batch.type_ids.resize(end, 0);
    batch.positions.insert(batch.positions.end(), row.positions.begin(), row.positions.end());
    const size_t given = batch.positions.size();
    batch.positions.resize(end);
    std::iota(batch.positions.begin() + static_cast<std::ptrdiff_t>(given), batch.positions.end(),
              0);
    batch.cumulative.push_back(static_cast<int64_t>(end));
  }
  return batch;
}

}  // namespace attentiond
