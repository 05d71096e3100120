// core/models/disentangled_scores.h -- DeBERTa's attention to relative positions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_config.h"
#include "core/models/position_scores.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// The bias (q_i . K[b] + k_j . Q[b]) / scale, where K and Q are keys and queries made of a table
/// of relative positions and b is the row of it for the distance i - j; and the scale itself.
///
/// K and Q do not depend on the text: they are made once, when the model is loaded. For each head
/// the products with all rows of the table are a linear layer; then each pair of tokens picks its
/// row.
///
/// Numerics  the products are rounded to the type of the activations, the bias is f32.
/// Cost      2 span more outputs for each token and head than the projections have, two loads for
///           each pair of tokens and head, and f32 [heads, S, S] of scratch for a row of S tokens.
/// Source    He et al. 2020, arXiv:2006.03654, equation 4.
class DisentangledScores final : public PositionScores {
 public:
  /// `prefix` is that of the encoder's names; `types` those of its linear layers.
  static absl::StatusOr<std::unique_ptr<DisentangledScores>> Load(const EncoderConfig& config,
                                                                  const std::string& prefix,
                                                                  LinearTypes types,
                                                                  WeightLoader* loader);

  bool RowsShareCalls() const override { return !config_.relative; }
  absl::Status AddTo(const AttendedRows& rows, AttentionArgs* args,
                     ExecutionContext& context) const override;

  /// The row of the table for a query `distance` tokens after its key.
  static int64_t TableRow(const DisentangledConfig& config, int64_t distance);

 private:
  /// By head; empty: not wanted.
  struct Layer {
    std::vector<Linear> keys;     ///< head size -> 2 span
    std::vector<Linear> queries;  ///< the same
  };

  DisentangledScores(const EncoderConfig& config, DType dtype)
      : config_(*config.disentangled),
        num_heads_(config.num_heads),
        head_dim_(config.head_dim()),
        dtype_(dtype) {}

  absl::Status AddHead(const AttendedRows& rows, int64_t head, const int32_t* table_rows,
                       float* bias, ExecutionContext& context) const;

  DisentangledConfig config_;
  int64_t num_heads_, head_dim_;
  DType dtype_;
  std::vector<Layer> layers_;
};

}  // namespace attentiond
