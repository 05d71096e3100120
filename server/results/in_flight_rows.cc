#include "server/results/in_flight_rows.h"

#include <utility>

namespace attentiond {

bool InFlightRows::Join(const RowKey& key, std::unique_ptr<WaitingRow> row) {
  MutexLock lock(&mutex_);
  const auto [flight, is_new] = rows_.try_emplace(key);
  if (is_new) return false;
  flight->second.push_back(std::move(row));
  return true;
}

std::vector<std::unique_ptr<WaitingRow>> InFlightRows::TakeOut(const RowKey& key) {
  MutexLock lock(&mutex_);
  const auto flight = rows_.find(key);
  if (flight == rows_.end()) return {};
  std::vector<std::unique_ptr<WaitingRow>> waiting = std::move(flight->second);
  rows_.erase(flight);
  return waiting;
}

}  // namespace attentiond
