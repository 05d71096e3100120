#include "tests/benchmarks/onednn_matmul.h"

#include <cstring>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_threadpool.hpp>
#include <oneapi/dnnl/dnnl_threadpool_iface.hpp>
#include <unordered_map>

#include "tests/testing/random_tensor.h"

namespace attentiond::testing {
namespace {

// The product's threads, as oneDNN wants them.
class PoolInterface final : public dnnl::threadpool_interop::threadpool_iface {
 public:
  explicit PoolInterface(ThreadPool* threads) : threads_(threads) {}
  int get_num_threads() const override { return threads_->num_threads(); }
  bool get_in_parallel() const override { return threads_->InParallelFor(); }
  uint64_t get_flags() const override { return 0; }
  void parallel_for(int count, const std::function<void(int, int)>& body) override {
    threads_->ParallelFor(count, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) body(static_cast<int>(i), count);
    });
  }

 private:
  ThreadPool* const threads_;
};

}  // namespace

struct OneDnnMatmul::Impl {
  explicit Impl(ThreadPool* threads) : pool(threads) {}
  PoolInterface pool;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream;
  dnnl::matmul matmul;
  std::unordered_map<int, dnnl::memory> memories;
  double flop = 0;
};

OneDnnMatmul::OneDnnMatmul(DType dtype, int64_t rows, int64_t depth, int64_t columns,
                           ThreadPool* threads)
    : impl_(std::make_unique<Impl>(threads)) {
  using dnnl::memory;
  dnnl_threadpool_interop_set_max_concurrency(threads->num_threads());
  Impl& impl = *impl_;
  impl.flop = 2.0 * static_cast<double>(rows) * static_cast<double>(depth * columns);
  impl.stream = dnnl::threadpool_interop::make_stream(impl.engine, &impl.pool);
  const auto type = dtype == DType::kBF16 ? memory::data_type::bf16 : memory::data_type::f32;
  const auto plain = [&](int64_t m, int64_t n) {
    return memory::desc({m, n}, type, memory::format_tag::ab);
  };
  const memory::desc any({depth, columns}, type, memory::format_tag::any);
  const dnnl::matmul::primitive_desc primitive(impl.engine, plain(rows, depth), any,
                                               plain(rows, columns));
  impl.matmul = dnnl::matmul(primitive);
  const auto random = [&](int64_t m, int64_t n) {
    const Tensor values = RandomTensor(dtype, {m, n}, 1);
    memory result(plain(m, n), impl.engine);
    std::memcpy(result.get_data_handle(), values.view().data, values.view().num_bytes());
    return result;
  };
  memory a = random(rows, depth), b = random(depth, columns);
  memory packed(primitive.weights_desc(), impl.engine);
  dnnl::reorder(b, packed).execute(impl.stream, b, packed);
  impl.memories = {{DNNL_ARG_SRC, a},
                   {DNNL_ARG_WEIGHTS, packed},
                   {DNNL_ARG_DST, memory(plain(rows, columns), impl.engine)}};
  impl.stream.wait();
}

OneDnnMatmul::~OneDnnMatmul() = default;

void OneDnnMatmul::Run() {
  impl_->matmul.execute(impl_->stream, impl_->memories);
  impl_->stream.wait();
}

double OneDnnMatmul::flop() const { return impl_->flop; }

OneDnnEncoderLayer::OneDnnEncoderLayer(DType dtype, int64_t rows, ThreadPool* threads)
    : query_key_value_(dtype, rows, 768, 2304, threads),
      attention_output_(dtype, rows, 768, 768, threads),
      intermediate_(dtype, rows, 768, 3072, threads),
      output_(dtype, rows, 3072, 768, threads) {}

void OneDnnEncoderLayer::Run() {
  query_key_value_.Run();
  attention_output_.Run();
  intermediate_.Run();
  output_.Run();
}

double OneDnnEncoderLayer::flop() const {
  return query_key_value_.flop() + attention_output_.flop() + intermediate_.flop() + output_.flop();
}

}  // namespace attentiond::testing
