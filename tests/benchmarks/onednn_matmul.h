// tests/benchmarks/onednn_matmul.h -- oneDNN's own matrix product, to measure ours against.
#pragma once

#include <cstdint>
#include <memory>

#include "core/parallel/thread_pool.h"
#include "core/tensor/tensor.h"

namespace attentiond::testing {

/// C[rows, columns] = A[rows, depth] B by the matmul primitive, B in the layout that the primitive
/// chooses for itself (format_tag::any), everything of one type: kF32 or kBF16. Throws dnnl::error.
class OneDnnMatmul {
 public:
  /// `threads` is borrowed. B is random.
  OneDnnMatmul(DType dtype, int64_t rows, int64_t depth, int64_t columns, ThreadPool* threads);
  ~OneDnnMatmul();

  void Run();
  double flop() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The products of one layer of BERT-base for `rows` tokens, one after the other. Their rate is
/// what this processor is good for.
class OneDnnEncoderLayer {
 public:
  OneDnnEncoderLayer(DType dtype, int64_t rows, ThreadPool* threads);

  void Run();
  double flop() const;

 private:
  OneDnnMatmul query_key_value_, attention_output_, intermediate_, output_;
};

}  // namespace attentiond::testing
