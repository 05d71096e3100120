#include "core/reference/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/tensor/half.h"

namespace attentiond::reference {
namespace {

double Element(const char* data, int64_t index, DType dtype) {
  if (dtype == DType::kBF16) return ToFloat(reinterpret_cast<const BFloat16*>(data)[index]);
  return reinterpret_cast<const float*>(data)[index];
}

const char* PageOf(const PagedQuery& query, int64_t key) {
  const int32_t page = query.list[static_cast<size_t>(key / KeyValueLayout::kTokens)];
  return query.pages + static_cast<size_t>(page) * query.layout.page_bytes();
}

double Score(const PagedQuery& query, int64_t key) {
  const KeyValueLayout& layout = query.layout;
  const char* const keys = PageOf(query, key) + layout.KeysAt(query.layer, query.head);
  const int64_t group = layout.group(), slot = key % KeyValueLayout::kTokens;
  double product = 0;
  for (int64_t d = 0; d < layout.head_dim; ++d) {
    const int64_t at = (d / group * KeyValueLayout::kTokens + slot) * group + d % group;
    product +=
        static_cast<double>(query.query[static_cast<size_t>(d)]) * Element(keys, at, layout.dtype);
  }
  const double bias = query.bias.empty() ? 0 : query.bias[static_cast<size_t>(key)];
  return query.scale * product + bias;
}

}  // namespace

void PagedAttention(const PagedQuery& query, absl::Span<double> output,
                    absl::Span<double> weights) {
  std::fill(output.begin(), output.end(), 0.0);
  if (query.length == 0) return;
  std::vector<double> p(static_cast<size_t>(query.length));
  for (int64_t key = 0; key < query.length; ++key) p[static_cast<size_t>(key)] = Score(query, key);
  const double largest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) sum += value = std::exp(value - largest);
  for (double& value : p) value /= sum;
  for (int64_t key = 0; key < query.length; ++key) {
    const char* const values = PageOf(query, key) + query.layout.ValuesAt(query.layer, query.head);
    for (int64_t d = 0; d < query.layout.head_dim; ++d) {
      const int64_t at = key % KeyValueLayout::kTokens * query.layout.head_dim + d;
      output[static_cast<size_t>(d)] +=
          p[static_cast<size_t>(key)] * Element(values, at, query.layout.dtype);
    }
  }
  if (!weights.empty()) std::copy(p.begin(), p.end(), weights.begin());
}

}  // namespace attentiond::reference
