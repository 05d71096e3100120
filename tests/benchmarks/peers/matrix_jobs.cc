// Linear layers, and oneDNN's matmul primitive beside which they are measured.
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_threadpool.hpp>
#include <vector>

#include "core/base/status_macros.h"
#include "core/ops/linear.h"
#include "core/reference/linear.h"
#include "tests/benchmarks/peers/benchmark_job.h"
#include "tests/benchmarks/peers/job_values.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond::benchmarks {
namespace {

// x [M, K] times weight [N, K] transposed.
struct Problem {
  explicit Problem(const nlohmann::json& job, DType type)
      : dtype(type),
        M(job.at("M")),
        K(job.at("K")),
        N(job.at("N")),
        x(NormalTensor(dtype, {M, K}, 1)),
        weight(NormalTensor(dtype, {N, K}, 2)),
        y(dtype, {M, N}) {}

  const DType dtype;
  const int64_t M, K, N;
  const Tensor x, weight;
  Tensor y;

  // The last row of y.
  absl::StatusOr<std::string> Check(absl::Span<const float> bias) const {
    const std::vector<float> xs = testing::ToFloats({Row(x, M - 1), dtype, {K}});
    const std::vector<float> ys = testing::ToFloats({Row(y, M - 1), dtype, {N}});
    const std::vector<float> weights = testing::ToFloats(weight.view());
    std::vector<float> expected(static_cast<size_t>(N));
    reference::Linear({weights, bias}, xs, {}, absl::MakeSpan(expected));
    for (size_t i = 0; i < expected.size(); ++i) {
      double magnitude = 1;
      for (size_t k = 0; k < xs.size(); ++k)
        magnitude += std::abs(xs[k] * weights[i * xs.size() + k]);
      const double allowed = testing::DotTolerance(K, magnitude) +
                             2 * testing::RoundingTolerance(dtype, double{expected[i]});
      if (std::abs(double{ys[i]} - double{expected[i]}) > allowed) {
        return absl::InternalError(absl::StrCat("column ", i, " of the last row is ", ys[i],
                                                ", the reference says ", expected[i]));
      }
    }
    return "the last row with the reference";
  }

 private:
  static const void* Row(const Tensor& tensor, int64_t row) {
    return static_cast<const char*>(tensor.view().data) +
           static_cast<size_t>(row * tensor.shape().dim(1)) * ByteSize(tensor.dtype());
  }
};

class LinearJob final : public BenchmarkJob {
 public:
  LinearJob(const nlohmann::json& job, DType dtype)
      : problem_(job, dtype),
        bias_(NormalTensor(DType::kF32, {problem_.N}, 3)),
        linear_(Linear::Create(problem_.weight.view(), bias_.view(), dtype)) {}

  absl::Status Run(ExecutionContext& context) override {
    if (!linear_.ok()) return linear_.status();
    Linear::Args args;
    args.x = problem_.x.view().data;
    args.x_stride = problem_.K;
    args.y = problem_.y.mutable_view().data;
    args.y_stride = problem_.N;
    args.rows = problem_.M;
    return linear_->Run(args, context);
  }
  absl::StatusOr<std::string> Check(ExecutionContext& /*context*/) override {
    return problem_.Check(bias_.values<float>());
  }

 private:
  Problem problem_;
  const Tensor bias_;
  const absl::StatusOr<Linear> linear_;
};

// oneDNN's loops on our threads.
class PrimitiveThreads final : public dnnl::threadpool_interop::threadpool_iface {
 public:
  explicit PrimitiveThreads(ThreadPool* threads) : threads_(threads) {}
  int get_num_threads() const override { return threads_->num_threads(); }
  bool get_in_parallel() const override { return threads_->InParallelFor(); }
  uint64_t get_flags() const override { return 0; }
  void parallel_for(int count, const std::function<void(int, int)>& body) override {
    threads_->ParallelFor(count, 1, [&](int64_t begin, int64_t end, int /*thread*/) {
      for (int64_t i = begin; i < end; ++i) body(static_cast<int>(i), count);
    });
  }

 private:
  ThreadPool* const threads_;
};

// The primitive with its weights in the layout that it asks for. Made at the first Run(), which
// knows the threads.
class MatmulJob final : public BenchmarkJob {
 public:
  MatmulJob(const nlohmann::json& job, DType dtype) : problem_(job, dtype) {}

  absl::Status Run(ExecutionContext& context) override {
    try {
      if (threads_ == nullptr) Prepare(context.threads());
      matmul_.execute(stream_, arguments_);
      stream_.wait();
    } catch (const dnnl::error& error) {
      return absl::UnimplementedError(absl::StrCat("oneDNN matmul: ", error.what()));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Check(ExecutionContext& /*context*/) override {
    return problem_.Check({});
  }

 private:
  using Memory = dnnl::memory;

  void Prepare(ThreadPool& threads) {
    threads_ = std::make_unique<PrimitiveThreads>(&threads);
    dnnl_threadpool_interop_set_max_concurrency(threads.num_threads());
    const auto type =
        problem_.dtype == DType::kBF16 ? Memory::data_type::bf16 : Memory::data_type::f32;
    const int64_t M = problem_.M, K = problem_.K, N = problem_.N;
    const Memory::desc x({M, K}, type, Memory::format_tag::ab);
    const Memory::desc y({M, N}, type, Memory::format_tag::ab);
    const dnnl::matmul::primitive_desc chosen(
        engine_, x, Memory::desc({K, N}, type, Memory::format_tag::any), y);
    matmul_ = dnnl::matmul(chosen);
    stream_ = dnnl::threadpool_interop::make_stream(engine_, threads_.get());
    Memory plain({{K, N}, type, Memory::format_tag::ba}, engine_,
                 const_cast<void*>(problem_.weight.view().data));
    Memory packed(chosen.weights_desc(), engine_);
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    stream_.wait();
    arguments_ = {{DNNL_ARG_SRC, Memory(x, engine_, const_cast<void*>(problem_.x.view().data))},
                  {DNNL_ARG_WEIGHTS, packed},
                  {DNNL_ARG_DST, Memory(y, engine_, problem_.y.mutable_view().data)}};
  }

  Problem problem_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  std::unique_ptr<PrimitiveThreads> threads_;
  dnnl::stream stream_;
  dnnl::matmul matmul_;
  std::unordered_map<int, Memory> arguments_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeLinearJob(const nlohmann::json& job) {
  ASSIGN_OR_RETURN(const DType dtype, ParseDType(job.at("dtype")));
  return std::make_unique<LinearJob>(job, dtype);
}

absl::StatusOr<std::unique_ptr<BenchmarkJob>> MakeMatmulJob(const nlohmann::json& job) {
  ASSIGN_OR_RETURN(const DType dtype, ParseDType(job.at("dtype")));
  return std::make_unique<MatmulJob>(job, dtype);
}

}  // namespace attentiond::benchmarks
