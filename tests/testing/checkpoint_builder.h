// tests/testing/checkpoint_builder.h -- checkpoints made by a test: config.json and
// model.safetensors.
#pragma once

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/tensor/element.h"
#include "core/tensor/tensor.h"
#include "tests/testing/safetensors_bytes.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {

/// Collects tensors by name, then writes the files. Random values come from one seeded generator in
/// the order of the calls.
class CheckpointBuilder {
 public:
  explicit CheckpointBuilder(nlohmann::json json, DType dtype = DType::kF32)
      : config(std::move(json)), dtype_(dtype) {}

  /// `values` rounded to the builder's type.
  void Add(const std::string& name, const Shape& shape, absl::Span<const float> values) {
    ATTENTIOND_CHECK(shape.num_elements() == static_cast<int64_t>(values.size()));
    Tensor tensor(dtype_, shape);
    for (size_t i = 0; i < values.size(); ++i) {
      StoreElement(tensor.mutable_view().data, dtype_, static_cast<int64_t>(i), values[i]);
    }
    tensors.insert_or_assign(name, std::move(tensor));
  }

  /// Normally distributed about `mean`.
  void AddRandom(const std::string& name, const Shape& shape, float deviation, float mean = 0) {
    std::vector<float> values(static_cast<size_t>(shape.num_elements()));
    std::normal_distribution<float> normal(mean, deviation);
    for (float& value : values) value = normal(generator_);
    Add(name, shape, values);
  }

  /// "<name>.weight" [out, in] that keeps the variance of its input, and "<name>.bias".
  void AddLinear(const std::string& name, int64_t out, int64_t in) {
    AddRandom(name + ".weight", Shape{out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
    AddRandom(name + ".bias", Shape{out}, 0.1f);
  }

  void AddNorm(const std::string& name, int64_t width) {
    AddRandom(name + ".weight", Shape{width}, 0.1f, 1.0f);
    AddRandom(name + ".bias", Shape{width}, 0.1f);
  }

  void Rename(const std::string& from, const std::string& to) {
    auto node = tensors.extract(from);
    ATTENTIOND_CHECK(!node.empty());
    node.key() = to;
    tensors.insert(std::move(node));
  }

  void WriteTo(const TemporaryDirectory& directory) const {
    nlohmann::json header = nlohmann::json::object();
    std::string data;
    for (const auto& [name, tensor] : tensors) {
      const size_t begin = data.size();
      const TensorView view = tensor.view();
      data.append(static_cast<const char*>(view.data), view.num_bytes());
      const absl::Span<const int64_t> dims = view.shape.dims();
      header[name] = {{"dtype", FileName(view.dtype)},
                      {"shape", std::vector<int64_t>(dims.begin(), dims.end())},
                      {"data_offsets", {begin, data.size()}}};
    }
    directory.Write("config.json", config.dump());
    directory.Write("model.safetensors", SafetensorsBytes(header.dump(), data));
  }

  nlohmann::json config;
  std::map<std::string, Tensor> tensors;

 private:
  static const char* FileName(DType dtype) {
    return dtype == DType::kF32 ? "F32" : dtype == DType::kBF16 ? "BF16" : "F16";
  }

  DType dtype_;
  std::mt19937 generator_{20231};
};

}  // namespace attentiond::testing
