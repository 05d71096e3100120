// tests/testing/attention_problem.h -- random attention calls, run by a kernel and by the
// reference and compared.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/ops/attention.h"
#include "core/reference/attention.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond::testing {

/// What to make a problem of.
struct AttentionShape {
  int64_t heads = 1, kv_heads = 1, head_dim = 64, value_dim = 64;
  /// Tokens of each sequence. Dense when all are the same and `ragged` is false.
  std::vector<int64_t> queries = {1}, keys = {1};
  bool ragged = false;
  DType dtype = DType::kF32;
  float magnitude = 1;  ///< of q, k and v

  bool causal = false;
  std::optional<int64_t> window;
  std::optional<double> softcap, scale;
  bool bias = false;         ///< full, some of it -inf
  bool shared_bias = false;  ///< one row of [Sk] for everything
  bool mask = false;         ///< full
  bool query_mask = false;   ///< one column of [Sq]: whole queries are masked
  bool valid_kv = false;     ///< half of each sequence's keys, the rest NaN

  std::string ToString() const {
    std::string text = std::to_string(heads) + "/" + std::to_string(kv_heads) + " heads of " +
                       std::to_string(head_dim) + "/" + std::to_string(value_dim) + " " +
                       std::string(Name(dtype)) + ", queries";
    for (const int64_t length : queries) text += " " + std::to_string(length);
    text += ", keys";
    for (const int64_t length : keys) text += " " + std::to_string(length);
    for (const auto& [set, name] :
         {std::pair(ragged, " ragged"), std::pair(causal, " causal"),
          std::pair(window.has_value(), " window"), std::pair(softcap.has_value(), " softcap"),
          std::pair(scale.has_value(), " scale"), std::pair(bias, " bias"),
          std::pair(shared_bias, " shared bias"), std::pair(mask, " mask"),
          std::pair(query_mask, " query mask"), std::pair(valid_kv, " valid_kv")}) {
      if (set) text += name;
    }
    return text;
  }
};

/// One sequence of one head.
inline AttentionShape OneSequence(int64_t queries, int64_t keys, int64_t head_dim = 64) {
  AttentionShape shape;
  shape.queries = {queries};
  shape.keys = {keys};
  shape.head_dim = shape.value_dim = head_dim;
  return shape;
}

/// Results of one run, unpacked to floats, where they were written poisoned before.
struct AttentionResults {
  std::vector<float> output, weights, lse;
};

/// Owns everything that an AttentionArgs borrows.
class AttentionProblem {
 public:
  explicit AttentionProblem(const AttentionShape& shape, unsigned seed = 1) : shape_(shape) {
    args_.batch = static_cast<int64_t>(shape.queries.size());
    args_.num_heads = shape.heads;
    args_.num_kv_heads = shape.kv_heads;
    args_.head_dim = shape.head_dim;
    args_.value_dim = shape.value_dim;
    args_.dtype = shape.dtype;
    args_.causal = shape.causal;
    args_.window = shape.window;
    args_.softcap = shape.softcap;
    args_.scale = shape.scale;
    args_.query_lengths = Lengths(shape.queries, query_starts_);
    args_.kv_lengths = Lengths(shape.keys, key_starts_);
    max_queries_ = *std::max_element(shape.queries.begin(), shape.queries.end());
    max_keys_ = *std::max_element(shape.keys.begin(), shape.keys.end());
    args_.query = Operand(query_, shape.queries, shape.heads, shape.head_dim, seed);
    args_.key = Operand(key_, shape.keys, shape.kv_heads, shape.head_dim, seed + 1);
    args_.value = Operand(value_, shape.keys, shape.kv_heads, shape.value_dim, seed + 2);
    SetBiasAndMask(seed + 3);
    if (shape.valid_kv) SetValidKeys();
    for (size_t b = 0; b < shape.queries.size(); ++b) {
      weights_offsets_.push_back(num_weights_);
      num_weights_ += shape.heads * shape.queries[b] * shape.keys[b];
    }
  }
  AttentionProblem(const AttentionProblem&) = delete;
  AttentionProblem& operator=(const AttentionProblem&) = delete;

  const AttentionArgs& args() const { return args_; }

  /// run(args, outputs) on poisoned memory.
  template <typename Run>
  AttentionResults Collect(Run run) const {
    const int64_t tokens = NumTokens(shape_.queries);
    Tensor output(shape_.dtype, {tokens, shape_.heads, shape_.value_dim});
    std::memset(output.mutable_view().data, 0xff, output.view().num_bytes());  // NaN
    AttentionResults results;
    results.weights.assign(static_cast<size_t>(num_weights_), NAN);
    results.lse.assign(static_cast<size_t>(shape_.heads * tokens), NAN);
    AttentionOutputs outputs;
    outputs.output =
        Strides(output.mutable_view().data, shape_.heads, shape_.value_dim, shape_.queries);
    outputs.weights = results.weights.data();
    outputs.weights_offsets = weights_offsets_;
    outputs.lse = results.lse.data();
    outputs.lse_batch_stride =
        args_.query_lengths.cumulative.empty() ? shape_.heads * max_queries_ : 0;
    outputs.lse_head_stride = args_.query_lengths.cumulative.empty() ? max_queries_ : tokens;
    run(args_, outputs);
    results.output = ToFloats(output.view());
    return results;
  }

  /// As Run(), but neither weights nor lse are asked for: some kernels then do less.
  AttentionResults RunOutputOnly(ExecutionContext& context) const {
    return Collect([&](const AttentionArgs& args, AttentionOutputs outputs) {
      outputs.weights = outputs.lse = nullptr;
      outputs.weights_offsets = {};
      const absl::Status status = Attention(args, outputs, context);
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  /// The output of the reference for the same operands, not rounded to their type.
  std::vector<float> ExactOutput() const {
    const std::vector<float> query = ToFloats(query_.view()), key = ToFloats(key_.view()),
                             value = ToFloats(value_.view());
    AttentionArgs args = args_;
    args.dtype = DType::kF32;
    args.query.data = query.data();
    args.key.data = key.data();
    args.value.data = value.data();
    std::vector<float> output(
        static_cast<size_t>(NumTokens(shape_.queries) * shape_.heads * shape_.value_dim));
    AttentionOutputs outputs;
    outputs.output = Strides<void*>(output.data(), shape_.heads, shape_.value_dim, shape_.queries);
    reference::Attention(args, outputs);
    return output;
  }

  AttentionResults RunReference() const {
    return Collect([](const AttentionArgs& args, const AttentionOutputs& outputs) {
      reference::Attention(args, outputs);
    });
  }
  AttentionResults Run(ExecutionContext& context) const {
    return Collect([&](const AttentionArgs& args, const AttentionOutputs& outputs) {
      const absl::Status status = Attention(args, outputs, context);
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  /// Compares what a kernel made with what the reference makes.
  void Check(const AttentionResults& actual) const {
    SCOPED_TRACE(shape_.ToString());
    const AttentionResults expected = RunReference();
    const AttentionMagnitudes magnitudes = Magnitudes();
    ExpectWithin(actual.lse, expected.lse,
                 [&](size_t) { return AttentionScoreTolerance(magnitudes) * 2; });
    ExpectWithin(actual.weights, expected.weights, [&](size_t i) {
      return AttentionRelativeTolerance(magnitudes) * double{expected.weights[i]} + 1e-37;
    });
    CheckOutput(actual.output, expected.output);
  }
  void CheckOutput(const std::vector<float>& actual) const {
    SCOPED_TRACE(shape_.ToString());
    CheckOutput(actual, RunReference().output);
  }

 private:
  void CheckOutput(const std::vector<float>& actual, const std::vector<float>& expected) const {
    const double tolerance = AttentionTolerance(Magnitudes());
    ExpectWithin(actual, expected, [&](size_t i) {
      // Both results were rounded.
      return tolerance + 2 * RoundingTolerance(shape_.dtype, double{expected[i]});
    });
  }

  static int64_t NumTokens(const std::vector<int64_t>& lengths) {
    return std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  }

  SequenceLengths Lengths(const std::vector<int64_t>& lengths, std::vector<int64_t>& starts) const {
    SequenceLengths result;
    if (!shape_.ragged) {
      result.dense_length = lengths[0];
      return result;
    }
    starts = {0};
    for (const int64_t length : lengths) starts.push_back(starts.back() + length);
    result.cumulative = starts;
    return result;
  }

  // Dense: [B, H, S, D]. Ragged: [tokens, H, D].
  template <typename Pointer>
  AttentionOperandT<Pointer> Strides(Pointer data, int64_t heads, int64_t channels,
                                     const std::vector<int64_t>& lengths) const {
    if (shape_.ragged) return {data, 0, channels, heads * channels};
    return {data, heads * lengths[0] * channels, lengths[0] * channels, channels};
  }

  AttentionOperand Operand(Tensor& tensor, const std::vector<int64_t>& lengths, int64_t heads,
                           int64_t channels, unsigned seed) {
    tensor =
        RandomTensor(shape_.dtype, {NumTokens(lengths), heads, channels}, seed, shape_.magnitude);
    return Strides<const void*>(tensor.view().data, heads, channels, lengths);
  }

  void SetBiasAndMask(unsigned seed) {
    std::mt19937 engine(seed);
    const int64_t heads = shape_.heads, queries = max_queries_, keys = max_keys_;
    const int64_t full = args_.batch * heads * queries * keys;
    if (shape_.bias || shape_.shared_bias) {
      std::uniform_real_distribution<float> uniform(-1, 1);
      bias_.resize(static_cast<size_t>(shape_.bias ? full : keys));
      for (float& value : bias_) {
        value = engine() % 8 == 0 ? -std::numeric_limits<float>::infinity() : uniform(engine);
      }
      args_.bias = {bias_.data(), 0, 0, 0, 1};
      if (shape_.bias) args_.bias = {bias_.data(), heads * queries * keys, queries * keys, keys, 1};
    }
    if (shape_.mask || shape_.query_mask) {
      const int64_t size = shape_.mask ? full : queries;
      mask_ = std::make_unique<bool[]>(static_cast<size_t>(size));
      for (int64_t i = 0; i < size; ++i) mask_[static_cast<size_t>(i)] = engine() % 3 != 0;
      args_.mask = {mask_.get(), 0, 0, 1, 0};
      if (shape_.mask) args_.mask = {mask_.get(), heads * queries * keys, queries * keys, keys, 1};
    }
  }

  // Keys and values past the valid ones are NaN: nothing may look at them.
  void SetValidKeys() {
    for (int64_t b = 0; b < args_.batch; ++b) {
      const int64_t keys = args_.kv_lengths.length(b);
      valid_kv_.push_back(b % 3 == 2 ? 0 : (keys + 1) / 2);
      for (int64_t h = 0; h < shape_.kv_heads; ++h) {
        for (int64_t t = valid_kv_.back(); t < keys; ++t) {
          Poison(key_, TokenOffset(args_.key, args_.kv_lengths, b, h, t), shape_.head_dim);
          Poison(value_, TokenOffset(args_.value, args_.kv_lengths, b, h, t), shape_.value_dim);
        }
      }
    }
    args_.valid_kv = valid_kv_;
  }
  void Poison(Tensor& tensor, int64_t offset, int64_t channels) {
    for (int64_t d = 0; d < channels; ++d) {
      StoreElement(tensor.mutable_view().data, shape_.dtype, offset + d, NAN);
    }
  }

  AttentionMagnitudes Magnitudes() const {
    AttentionMagnitudes magnitudes;
    const std::string kernel = AttentionKernelName(args_);
    magnitudes.probabilities = kernel.ends_with("_bf16") ? DType::kBF16 : DType::kF32;
    magnitudes.head_dim = shape_.head_dim;
    magnitudes.keys = max_keys_;
    const double m = double{shape_.magnitude};
    // The products' mean magnitude is m^2 / 4; twice that is not exceeded by chance.
    magnitudes.products =
        static_cast<double>(shape_.head_dim) * m * m *
        std::min(1.0, 0.5 + 2 / std::sqrt(static_cast<double>(shape_.head_dim))) *
        std::abs(shape_.scale.value_or(1 / std::sqrt(static_cast<double>(shape_.head_dim))));
    magnitudes.scores = shape_.softcap.value_or(magnitudes.products) + 1;
    magnitudes.max_value = m;
    return magnitudes;
  }

  const AttentionShape shape_;
  AttentionArgs args_;
  std::vector<int64_t> query_starts_, key_starts_, valid_kv_, weights_offsets_;
  int64_t max_queries_ = 0, max_keys_ = 0, num_weights_ = 0;
  Tensor query_, key_, value_;
  std::vector<float> bias_;
  std::unique_ptr<bool[]> mask_;
};

}  // namespace attentiond::testing
