// core/models/attention_window.h -- layers whose tokens see only those near them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/models/position_scores.h"

namespace attentiond {

/// Masks keys that are farther from their query than the layer's window, on either side.
class AttentionWindow final : public PositionScores {
 public:
  /// By layer; 0: none.
  explicit AttentionWindow(std::vector<int64_t> windows) : windows_(std::move(windows)) {}

  bool RowsShareCalls() const override { return true; }
  int64_t Window(int64_t layer) const override { return windows_[static_cast<size_t>(layer)]; }
  absl::Status AddTo(const AttendedRows& rows, AttentionArgs* args,
                     ExecutionContext& context) const override;

 private:
  std::vector<int64_t> windows_;
};

}  // namespace attentiond
