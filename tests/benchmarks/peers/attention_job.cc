#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/base/status_macros.h"
#include "core/ops/attention.h"
#include "core/reference/attention.h"
#include "tests/benchmarks/peers/benchmark_job.h"
#include "tests/benchmarks/peers/job_values.h"
#include "tests/testing/tolerance.h"

namespace attentiond::benchmarks {
namespace {

struct Sizes {
  DType dtype = DType::kF32;
  int64_t B = 0, H = 0, Hk = 0, Sq = 0, Sk = 0, D = 0;
  bool causal = false;
  std::vector<int64_t> valid;    // [B] keys that are not masked, or empty
  std::vector<int64_t> lengths;  // [B] of a ragged batch, or empty
  int64_t copies = 1;            // of keys and values, taken in turn
};

std::vector<int64_t> Starts(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> starts(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), starts.begin() + 1);
  return starts;
}

double LargestNorm(const Tensor& tensor, int64_t channels) {
  double largest = 0;
  // Values repeat after 65,521 rows at the latest.
  const int64_t rows = std::min<int64_t>(tensor.shape().num_elements() / channels, 65521);
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t d = 0; d < channels; ++d) {
      const double x = LoadElement(tensor.view().data, tensor.dtype(), row * channels + d);
      sum += x * x;
    }
    largest = std::max(largest, std::sqrt(sum));
  }
  return largest;
}

double LargestMagnitude(const Tensor& tensor) {
  double largest = 0;
  const int64_t count = std::min<int64_t>(tensor.shape().num_elements(), 65521);
  for (int64_t i = 0; i < count; ++i) {
    largest =
        std::max<double>(largest, std::abs(LoadElement(tensor.view().data, tensor.dtype(), i)));
  }
  return largest;
}

class AttentionJob final : public BenchmarkJob {
 public:
  explicit AttentionJob(Sizes sizes)
      : sizes_(std::move(sizes)),
        starts_(Starts(sizes_.lengths)),
        query_tokens_(sizes_.lengths.empty() ? sizes_.B * sizes_.Sq : starts_.back()),
        key_tokens_(sizes_.lengths.empty() ? sizes_.B * sizes_.Sk : starts_.back()),
        query_(NormalTensor(sizes_.dtype, {query_tokens_ * sizes_.H, sizes_.D}, 1)),
        key_(NormalTensor(sizes_.dtype, {sizes_.copies, key_tokens_ * sizes_.Hk, sizes_.D}, 2)),
        value_(NormalTensor(sizes_.dtype, {sizes_.copies, key_tokens_ * sizes_.Hk, sizes_.D}, 3)),
        output_(sizes_.dtype, {query_tokens_ * sizes_.H, sizes_.D}) {
    args_.batch = sizes_.B;
    args_.num_heads = sizes_.H;
    args_.num_kv_heads = sizes_.Hk;
    args_.head_dim = args_.value_dim = sizes_.D;
    args_.dtype = sizes_.dtype;
    args_.causal = sizes_.causal;
    args_.valid_kv = sizes_.valid;
    if (sizes_.lengths.empty()) {
      args_.query_lengths.dense_length = sizes_.Sq;
      args_.kv_lengths.dense_length = sizes_.Sk;
    } else {
      args_.query_lengths.cumulative = args_.kv_lengths.cumulative = starts_;
    }
    args_.query = Operand<const void*>(query_.view().data, sizes_.H, sizes_.Sq);
    args_.key = Operand<const void*>(key_.view().data, sizes_.Hk, sizes_.Sk);
    args_.value = Operand<const void*>(value_.view().data, sizes_.Hk, sizes_.Sk);
  }

  absl::Status Run(ExecutionContext& context) override {
    copy_ = (copy_ + 1) % sizes_.copies;
    const auto offset =
        static_cast<size_t>(copy_ * key_tokens_ * sizes_.Hk * sizes_.D) * ByteSize(sizes_.dtype);
    args_.key.data = static_cast<const char*>(key_.view().data) + offset;
    args_.value.data = static_cast<const char*>(value_.view().data) + offset;
    return Attention(args_, Outputs(output_), context);
  }

  // Rows spread over sequences, heads and queries, the last among them, at full size.
  absl::StatusOr<std::string> Check(ExecutionContext& /*context*/) override {
    constexpr int64_t kRows = 23;
    Tensor expected(sizes_.dtype, output_.shape());
    const AttentionOutputs outputs = Outputs(expected);
    for (int64_t i = 0; i < kRows; ++i) {
      const int64_t b = i * (sizes_.B - 1) / (kRows - 1);
      const int64_t h = i * 7 % sizes_.H;
      const int64_t queries = args_.query_lengths.length(b);
      const int64_t query = queries - 1 - i * (queries - 1) / (kRows - 1);
      reference::AttentionRows(args_, outputs, b, h, query, query + 1);
      const int64_t at = TokenOffset(outputs.output, args_.query_lengths, b, h, query);
      RETURN_IF_ERROR(Compare(expected, at));
    }
    return absl::StrCat(kRows, " rows of the output with the reference; kernel ",
                        AttentionKernelName(args_));
  }

 private:
  template <typename Pointer>
  AttentionOperandT<Pointer> Operand(Pointer data, int64_t heads, int64_t tokens) const {
    if (!sizes_.lengths.empty()) return {data, 0, sizes_.D, heads * sizes_.D};
    return {data, heads * tokens * sizes_.D, tokens * sizes_.D, sizes_.D};
  }

  AttentionOutputs Outputs(Tensor& tensor) const {
    AttentionOutputs outputs;
    outputs.output = Operand<void*>(tensor.mutable_view().data, sizes_.H, sizes_.Sq);
    return outputs;
  }

  absl::Status Compare(const Tensor& expected, int64_t at) const {
    if (tolerance_ == 0) tolerance_ = Tolerance();
    for (int64_t i = at; i < at + sizes_.D; ++i) {
      const double want = LoadElement(expected.view().data, sizes_.dtype, i);
      const double have = LoadElement(output_.view().data, sizes_.dtype, i);
      const double allowed = tolerance_ + 2 * testing::RoundingTolerance(sizes_.dtype, want);
      if (std::abs(have - want) <= allowed) continue;
      return absl::InternalError(absl::StrCat("output element ", i, " is ", have,
                                              ", the reference says ", want, " within ", allowed));
    }
    return absl::OkStatus();
  }

  double Tolerance() const {
    testing::AttentionMagnitudes magnitudes;
    magnitudes.probabilities = sizes_.dtype;
    magnitudes.head_dim = sizes_.D;
    magnitudes.keys = sizes_.lengths.empty()
                          ? sizes_.Sk
                          : *std::max_element(sizes_.lengths.begin(), sizes_.lengths.end());
    // Cauchy and Schwarz: sum_d |q_d k_d| <= |q| |k|.
    magnitudes.products = LargestNorm(query_, sizes_.D) * LargestNorm(key_, sizes_.D) /
                          std::sqrt(static_cast<double>(sizes_.D));
    magnitudes.scores = magnitudes.products;
    magnitudes.max_value = LargestMagnitude(value_);
    return testing::AttentionTolerance(magnitudes);
  }

  const Sizes sizes_;
  const std::vector<int64_t> starts_;
  const int64_t query_tokens_, key_tokens_;
  const Tensor query_, key_, value_;
  Tensor output_;
  AttentionArgs args_;
  int64_t copy_ = 0;
  mutable double tolerance_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeAttentionJob(const nlohmann::json& job) {
  Sizes sizes;
  ASSIGN_OR_RETURN(sizes.dtype, ParseDType(job.at("dtype")));
  sizes.lengths = job.value("lengths", std::vector<int64_t>());
  sizes.valid = job.value("valid", std::vector<int64_t>());
  sizes.H = job.at("H");
  sizes.Hk = job.value("Hk", sizes.H);
  sizes.D = job.at("D");
  if (sizes.lengths.empty()) {
    sizes.B = job.at("B");
    sizes.Sq = job.at("Sq");
    sizes.Sk = job.at("Sk");
  } else {
    sizes.B = static_cast<int64_t>(sizes.lengths.size());
  }
  sizes.causal = job.value("causal", false);
  sizes.copies = job.value("copies", int64_t{1});
  return std::make_unique<AttentionJob>(std::move(sizes));
}

}  // namespace attentiond::benchmarks
