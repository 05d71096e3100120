// core/engine/ragged_batch.cc -- concatenates rows.
#include "core/engine/ragged_batch.h"

#include <algorithm>
#include <numeric>

namespace attentiond {
namespace {

/// Rows of the position table. Padding in a text takes the row before the first and, where places
/// are not given, is none.
void AppendPositions(const EncoderRow& row, const PositionRule& rule,
                     std::vector<int32_t>* positions) {
  int32_t place = 0;
  for (size_t token = 0; token < row.ids.size(); ++token) {
    if (row.ids[token] == rule.padding_id) {
      positions->push_back(rule.first - 1);
    } else {
      positions->push_back(rule.first + (row.positions.empty() ? place++ : row.positions[token]));
    }
  }
}

void AppendPlaces(const EncoderRow& row, std::vector<int32_t>* places) {
  const size_t begin = places->size();
  places->insert(places->end(), row.positions.begin(), row.positions.end());
  places->resize(begin + row.ids.size());
  if (row.positions.empty()) {
    std::iota(places->begin() + static_cast<std::ptrdiff_t>(begin), places->end(), 0);
  }
}

}  // namespace

void RaggedBatch::KeepFirstTokens() {
  const int64_t left_out = cumulative[first_token_rows] - static_cast<int64_t>(first_token_rows);
  for (size_t place = 0; place < cumulative.size(); ++place) {
    cumulative[place] =
        place < first_token_rows ? static_cast<int64_t>(place) : cumulative[place] - left_out;
  }
}

RaggedBatch MakeRaggedBatch(absl::Span<const EncoderRow> rows, bool has_types,
                            const PositionRule& rule,
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

  const bool has_places = std::any_of(rows.begin(), rows.end(),
                                      [](const EncoderRow& row) { return !row.positions.empty(); });
  batch.cumulative.push_back(0);
  for (const size_t index : batch.rows) {
    const EncoderRow& row = rows[index];
    batch.ids.insert(batch.ids.end(), row.ids.begin(), row.ids.end());
    const size_t end = batch.ids.size();
    batch.type_ids.insert(batch.type_ids.end(), row.type_ids.begin(), row.type_ids.end());
    if (has_types) batch.type_ids.resize(end, 0);
    AppendPositions(row, rule, &batch.positions);
    if (has_places) AppendPlaces(row, &batch.places);
    batch.cumulative.push_back(static_cast<int64_t>(end));
  }
  return batch;
}

}  // namespace attentiond
