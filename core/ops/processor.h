// core/ops/processor.h -- what the ops found in this processor, for logs and for choosing types.
#pragma once

#include <string>
#include <vector>

namespace attentiond {

struct ProcessorInfo {
  std::string isa;             ///< oneDNN's effective instruction set: "avx512_core_amx"
  std::string vector_isa;      ///< Highway's: "AVX3" is AVX-512
  std::string onednn_version;  ///< "3.7.2"
  bool has_bf16 = false;       ///< Linear and Attention multiply bf16 in hardware
  bool has_int8 = false;       ///< Linear multiplies int8 in hardware
  /// One line for each op and type: "linear bf16: brgemm (avx512_core_amx)".
  std::vector<std::string> kernels;
};

ProcessorInfo DescribeProcessor();

/// Has the vectorised code keep to the instructions that oneDNN keeps to, which ONEDNN_MAX_CPU_ISA
/// can lower. Threads: any; takes effect once.
void MatchVectorIsa();

}  // namespace attentiond
