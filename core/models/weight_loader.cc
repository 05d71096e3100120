// core/models/weight_loader.cc -- packs linear layers, copies tables and vectors.
#include "core/models/weight_loader.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"

namespace attentiond {

absl::StatusOr<Linear> WeightLoader::MakeLinear(const TensorView& weight, const TensorView& bias,
                                                LinearTypes types) {
  ASSIGN_OR_RETURN(Linear linear, Linear::Create(weight, bias, types));
  loaded_bytes_ += linear.packed_bytes();
  return linear;
}

absl::StatusOr<std::optional<LargestOutputSearch>> WeightLoader::MakeSearch(
    const TensorView& weight, const TensorView& bias, const Linear& layer) {
  ASSIGN_OR_RETURN(std::optional<LargestOutputSearch> search,
                   LargestOutputSearch::Create(weight, bias, layer));
  if (search) loaded_bytes_ += search->packed_bytes();
  return search;
}

absl::StatusOr<Linear> WeightLoader::LoadLinear(const std::string& name, int64_t out, int64_t in,
                                                LinearTypes types, bool has_bias) {
  ASSIGN_OR_RETURN(const TensorView weight, checkpoint_.Get(name + ".weight", Shape{out, in}));
  TensorView bias;
  if (has_bias) {
    ASSIGN_OR_RETURN(bias, checkpoint_.Get(name + ".bias", Shape{out}));
  }
  return MakeLinear(weight, bias, types);
}

absl::StatusOr<std::pair<Linear, Linear>> WeightLoader::LoadLinearHalves(const std::string& name,
                                                                         int64_t out, int64_t in,
                                                                         LinearTypes types,
                                                                         bool has_bias) {
  ASSIGN_OR_RETURN(const TensorView weight, checkpoint_.Get(name + ".weight", Shape{2 * out, in}));
  TensorView bias;
  if (has_bias) {
    ASSIGN_OR_RETURN(bias, checkpoint_.Get(name + ".bias", Shape{2 * out}));
  }
  const auto half = [](const TensorView& whole, int64_t index, const Shape& shape) {
    if (whole.data == nullptr) return whole;
    const size_t bytes = static_cast<size_t>(shape.num_elements()) * ByteSize(whole.dtype);
    return TensorView{static_cast<const char*>(whole.data) + static_cast<size_t>(index) * bytes,
                      whole.dtype, shape};
  };
  ASSIGN_OR_RETURN(Linear first,
                   MakeLinear(half(weight, 0, Shape{out, in}), half(bias, 0, Shape{out}), types));
  ASSIGN_OR_RETURN(Linear second,
                   MakeLinear(half(weight, 1, Shape{out, in}), half(bias, 1, Shape{out}), types));
  return std::pair(std::move(first), std::move(second));
}

absl::StatusOr<Linear> WeightLoader::LoadFusedLinear(absl::Span<const std::string> names,
                                                     int64_t out_each, int64_t in,
                                                     LinearTypes types, bool has_bias) {
  const auto out = static_cast<int64_t>(names.size()) * out_each;
  // f32 holds every stored type exactly, so parts stored in different types fuse too.
  Tensor weight(DType::kF32, Shape{out, in});
  Tensor bias(DType::kF32, Shape{out});
  const auto weight_size = static_cast<size_t>(out_each * in);
  const auto bias_size = static_cast<size_t>(out_each);
  for (size_t i = 0; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(const TensorView part_weight,
                     checkpoint_.Get(names[i] + ".weight", Shape{out_each, in}));
    ToFloats(part_weight, 0, weight.values<float>().subspan(i * weight_size, weight_size));
    if (!has_bias) continue;
    ASSIGN_OR_RETURN(const TensorView part_bias,
                     checkpoint_.Get(names[i] + ".bias", Shape{out_each}));
    ToFloats(part_bias, 0, bias.values<float>().subspan(i * bias_size, bias_size));
  }
  return MakeLinear(weight.view(), has_bias ? bias.view() : TensorView(), types);
}

absl::StatusOr<Linear> WeightLoader::LoadTransposedLinear(const std::string& name, int64_t out,
                                                          int64_t in, LinearTypes types) {
  ASSIGN_OR_RETURN(const TensorView stored, checkpoint_.Get(name + ".weight", Shape{in, out}));
  ASSIGN_OR_RETURN(const TensorView bias, checkpoint_.Get(name + ".bias", Shape{out}));
  Tensor weight(DType::kF32, Shape{out, in});
  std::vector<float> row(static_cast<size_t>(out));
  for (int64_t i = 0; i < in; ++i) {
    ToFloats(stored, i * out, absl::MakeSpan(row));
    for (int64_t o = 0; o < out; ++o) {
      weight.values<float>()[static_cast<size_t>(o * in + i)] = row[static_cast<size_t>(o)];
    }
  }
  return MakeLinear(weight.view(), bias, types);
}

absl::StatusOr<NormWeights> WeightLoader::LoadNorm(const std::string& name, int64_t width,
                                                   bool has_bias) {
  const bool from_tensorflow = checkpoint_.Has(name + ".gamma");
  NormWeights norm;
  ASSIGN_OR_RETURN(norm.gamma,
                   LoadFloats(name + (from_tensorflow ? ".gamma" : ".weight"), Shape{width}));
  if (!has_bias) {
    norm.beta.assign(static_cast<size_t>(width), 0.0f);
    return norm;
  }
  ASSIGN_OR_RETURN(norm.beta,
                   LoadFloats(name + (from_tensorflow ? ".beta" : ".bias"), Shape{width}));
  return norm;
}

absl::StatusOr<Tensor> WeightLoader::LoadTable(const std::string& name, int64_t rows,
                                               int64_t width) {
  ASSIGN_OR_RETURN(const TensorView stored, checkpoint_.Get(name + ".weight", Shape{rows, width}));
  Tensor table(stored.dtype, stored.shape);
  std::memcpy(table.mutable_view().data, stored.data, stored.num_bytes());
  loaded_bytes_ += stored.num_bytes();
  return table;
}

absl::StatusOr<std::vector<float>> WeightLoader::LoadFloats(const std::string& name,
                                                            const Shape& shape) {
  ASSIGN_OR_RETURN(const TensorView stored, checkpoint_.Get(name, shape));
  std::vector<float> floats(static_cast<size_t>(shape.num_elements()));
  ToFloats(stored, 0, absl::MakeSpan(floats));
  loaded_bytes_ += floats.size() * sizeof(float);
  return floats;
}

}  // namespace attentiond
