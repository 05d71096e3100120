// core/models/disentangled_scores.cc -- the table's keys and queries, and the bias made with them.
#include "core/models/disentangled_scores.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/layer_norm.h"
#include "core/ops/row_stride.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

/// Makes keys or queries of the table of relative positions, and layers of them.
class TableProjector {
 public:
  static absl::StatusOr<TableProjector> Create(const EncoderConfig& config,
                                               const std::string& prefix, LinearTypes types,
                                               WeightLoader* loader) {
    TableProjector projector(config, types, loader);
    const int64_t rows = 2 * config.disentangled->span(), hidden = config.hidden_size;
    ASSIGN_OR_RETURN(
        const TensorView stored,
        loader->checkpoint().Get(prefix + "encoder.rel_embeddings.weight", Shape{rows, hidden}));
    projector.table_.resize(static_cast<size_t>(rows * hidden));
    ToFloats(stored, 0, absl::MakeSpan(projector.table_));
    if (!config.disentangled->norm_table) return projector;
    ASSIGN_OR_RETURN(const NormWeights norm,
                     loader->LoadNorm(prefix + "encoder.LayerNorm", hidden));
    LayerNorm({.x = projector.table_.data(),
               .y = projector.table_.data(),
               .rows = rows,
               .width = hidden,
               .gamma = norm.gamma.data(),
               .beta = norm.beta.data(),
               .epsilon = config.layer_norm_eps},
              projector.context_->context);
    return projector;
  }

  /// By head, of the projection `name`: from a head's channels to its products with each row of the
  /// projected table, divided by the scale.
  absl::StatusOr<std::vector<Linear>> Project(const std::string& name) {
    const int64_t hidden = config_.hidden_size, rows = 2 * config_.disentangled->span();
    // Its own weights are not kept: only what it makes of the table.
    ASSIGN_OR_RETURN(const TensorView weight,
                     loader_->checkpoint().Get(name + ".weight", Shape{hidden, hidden}));
    ASSIGN_OR_RETURN(const TensorView bias,
                     loader_->checkpoint().Get(name + ".bias", Shape{hidden}));
    ASSIGN_OR_RETURN(const Linear projection, Linear::Create(weight, bias, DType::kF32));
    std::vector<float> projected(table_.size());
    RETURN_IF_ERROR(projection.Run({.x = table_.data(),
                                    .x_stride = hidden,
                                    .y = projected.data(),
                                    .y_stride = hidden,
                                    .rows = rows},
                                   context_->context));
    std::vector<Linear> heads;
    for (int64_t head = 0; head < config_.num_heads; ++head) {
      ASSIGN_OR_RETURN(Linear linear, HeadOf(projected, head));
      heads.push_back(std::move(linear));
    }
    return heads;
  }

 private:
  // Behind a pointer: a context is bound to its pool.
  struct OwnContext {
    ThreadPool threads{1};
    ExecutionContext context{&threads};
  };

  TableProjector(const EncoderConfig& config, LinearTypes types, WeightLoader* loader)
      : config_(config), types_(types), loader_(loader), context_(std::make_unique<OwnContext>()) {}

  absl::StatusOr<Linear> HeadOf(const std::vector<float>& projected, int64_t head) {
    const int64_t rows = 2 * config_.disentangled->span(), width = config_.head_dim();
    const auto factor = static_cast<double>(config_.disentangled->scale_factor() * width);
    const auto scale = static_cast<float>(1 / std::sqrt(factor));
    Tensor weight(DType::kF32, Shape{rows, width});
    const absl::Span<float> values = weight.values<float>();
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t channel = 0; channel < width; ++channel) {
        values[static_cast<size_t>(row * width + channel)] =
            scale *
            projected[static_cast<size_t>(row * config_.hidden_size + head * width + channel)];
      }
    }
    return loader_->MakeLinear(weight.view(), TensorView(), types_.activations);
  }

  const EncoderConfig& config_;
  LinearTypes types_;
  WeightLoader* loader_;
  std::vector<float> table_;  // [2 span, H]
  std::unique_ptr<OwnContext> context_;
};

// bias[i, j] (+)= products[i, row of i - j], or products[j, row of i - j] by key.
template <typename T>
class Picker {
 public:
  Picker(const void* products, int64_t stride, bool by_key)
      : products_(static_cast<const T*>(products)), stride_(stride), by_key_(by_key) {}

  void Add(const int32_t* table_rows, int64_t query, int64_t keys, float* bias) const {
    if (by_key_) {
      for (int64_t j = 0; j < keys; ++j) bias[j] += ToFloat(products_[j * stride_ + table_rows[j]]);
    } else {
      const T* const row = products_ + query * stride_;
      for (int64_t j = 0; j < keys; ++j) bias[j] += ToFloat(row[table_rows[j]]);
    }
  }

 private:
  static float ToFloat(float value) { return value; }
  static float ToFloat(BFloat16 value) { return attentiond::ToFloat(value); }

  const T* products_;
  int64_t stride_;
  bool by_key_;
};

void AddPicked(const void* products, DType dtype, bool by_key, int64_t stride,
               const int32_t* table_rows, int64_t query, int64_t keys, float* bias) {
  if (dtype == DType::kF32) {
    Picker<float>(products, stride, by_key).Add(table_rows, query, keys, bias);
  } else {
    Picker<BFloat16>(products, stride, by_key).Add(table_rows, query, keys, bias);
  }
}

// In f32 and in this order, as transformers computes it: at its ends a bucket lies between two.
int64_t Bucket(const DisentangledConfig& config, int64_t distance) {
  const int64_t half = config.buckets / 2;
  const int64_t far = std::abs(distance);
  if (config.buckets == 0 || far <= half) return distance;
  const float farthest =
      static_cast<float>(static_cast<double>(config.max_distance - 1) / static_cast<double>(half));
  const float steps = std::log(static_cast<float>(far) / static_cast<float>(half)) /
                      std::log(farthest) * static_cast<float>(half - 1);
  const auto bucket = static_cast<int64_t>(std::ceil(steps)) + half;
  return distance < 0 ? -bucket : bucket;
}

}  // namespace

int64_t DisentangledScores::TableRow(const DisentangledConfig& config, int64_t distance) {
  return std::clamp<int64_t>(Bucket(config, distance) + config.span(), 0, 2 * config.span() - 1);
}

absl::StatusOr<std::unique_ptr<DisentangledScores>> DisentangledScores::Load(
    const EncoderConfig& config, const std::string& prefix, LinearTypes types,
    WeightLoader* loader) {
  auto scores =
      std::unique_ptr<DisentangledScores>(new DisentangledScores(config, types.activations));
  const DisentangledConfig& options = *config.disentangled;
  if (!options.relative) return scores;
  ASSIGN_OR_RETURN(TableProjector projector, TableProjector::Create(config, prefix, types, loader));
  const EncoderWeightNames& names = config.family->names;
  for (int64_t index = 0; index < config.num_layers; ++index) {
    const std::string layer_name = absl::StrCat(prefix, names.layers, ".", index, ".");
    Layer layer;
    if (options.content_to_position) {
      const char* name = options.share_keys ? names.key : "attention.self.pos_key_proj";
      ASSIGN_OR_RETURN(layer.keys, projector.Project(layer_name + name));
    }
    if (options.position_to_content) {
      const char* name = options.share_keys ? names.query : "attention.self.pos_query_proj";
      ASSIGN_OR_RETURN(layer.queries, projector.Project(layer_name + name));
    }
    scores->layers_.push_back(std::move(layer));
  }
  return scores;
}

absl::Status DisentangledScores::AddHead(const AttendedRows& rows, int64_t head,
                                         const int32_t* table_rows, float* bias,
                                         ExecutionContext& context) const {
  const Layer& layer = layers_[static_cast<size_t>(rows.layer)];
  const int64_t keys = rows.longest, queries = rows.queries;
  const int64_t hidden = num_heads_ * head_dim_;
  const auto element = static_cast<int64_t>(ByteSize(dtype_));
  // A cache line more than a row: a power of two apart, the rows that a query picks from would
  // compete for few places in the cache.
  const int64_t stride = 2 * config_.span() + 64 / element;
  const int64_t x_stride = RowStride(3 * hidden, dtype_);
  char* const by_query = static_cast<char*>(
      context.workspace().Get(Workspace::Slot::kPositionProducts,
                              static_cast<size_t>((queries + keys) * stride * element)));
  char* const by_key = by_query + queries * stride * element;
  const char* const query =
      static_cast<const char*>(rows.query_key_value) + head * head_dim_ * element;
  if (!layer.keys.empty()) {
    RETURN_IF_ERROR(layer.keys[static_cast<size_t>(head)].Run(
        {.x = query, .x_stride = x_stride, .y = by_query, .y_stride = stride, .rows = queries},
        context));
  }
  if (!layer.queries.empty()) {
    RETURN_IF_ERROR(layer.queries[static_cast<size_t>(head)].Run({.x = query + hidden * element,
                                                                  .x_stride = x_stride,
                                                                  .y = by_key,
                                                                  .y_stride = stride,
                                                                  .rows = keys},
                                                                 context));
  }
  context.threads().ParallelFor(queries, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      float* const row = bias + i * keys;
      std::fill_n(row, keys, 0.0f);
      // With adjacent tokens one list of distances serves all queries.
      const int32_t* const picked =
          rows.places.empty() ? table_rows + keys - 1 - i : table_rows + i * keys;
      if (!layer.keys.empty()) AddPicked(by_query, dtype_, false, stride, picked, i, keys, row);
      if (!layer.queries.empty()) AddPicked(by_key, dtype_, true, stride, picked, i, keys, row);
    }
  });
  return absl::OkStatus();
}

absl::Status DisentangledScores::AddTo(const AttendedRows& rows, AttentionArgs* args,
                                       ExecutionContext& context) const {
  args->scale = 1 / std::sqrt(static_cast<double>(head_dim_ * config_.scale_factor()));
  if (!config_.relative) return absl::OkStatus();
  const int64_t keys = rows.longest, queries = rows.queries;
  const int64_t distances = rows.places.empty() ? 2 * keys - 1 : queries * keys;
  // Bias, then rows of the table: of the distances keys - 1 down to 1 - keys, or of each pair.
  char* const memory = static_cast<char*>(
      context.workspace().Get(Workspace::Slot::kPositionScores,
                              static_cast<size_t>(num_heads_ * queries * keys) * sizeof(float) +
                                  static_cast<size_t>(distances) * sizeof(int32_t)));
  auto* const bias = reinterpret_cast<float*>(memory);
  auto* const table_rows = reinterpret_cast<int32_t*>(bias + num_heads_ * queries * keys);
  for (int64_t at = 0; at < distances; ++at) {
    const int64_t distance = rows.places.empty()
                                 ? keys - 1 - at
                                 : int64_t{rows.places[static_cast<size_t>(at / keys)]} -
                                       rows.places[static_cast<size_t>(at % keys)];
    table_rows[at] = static_cast<int32_t>(TableRow(config_, distance));
  }
  for (int64_t head = 0; head < num_heads_; ++head) {
    RETURN_IF_ERROR(AddHead(rows, head, table_rows, bias + head * queries * keys, context));
  }
  args->bias = {.data = bias,
                .batch_stride = 0,
                .head_stride = queries * keys,
                .query_stride = keys,
                .key_stride = 1};
  return absl::OkStatus();
}

}  // namespace attentiond
