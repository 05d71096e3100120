// core/models/embedding_head.cc -- pools rows side by side, projects them together.
#include "core/models/embedding_head.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/float_conversion.h"
#include "core/ops/workspace.h"
#include "core/weights/quoted.h"
#include "core/weights/safetensors.h"

namespace attentiond {
namespace {

absl::StatusOr<TensorView> FindTensor(const SafetensorsFile& file, const std::string& name,
                                      const Shape& shape) {
  const auto found = file.tensors().find(name);
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": tensor ", Quoted(name), " ",
                                                   shape.ToString(), " is required, ", what));
  };
  if (found == file.tensors().end()) return wrong("there is none of that name");
  const TensorView& view = found->second;
  if (!(view.shape == shape)) return wrong("it has shape " + view.shape.ToString());
  if (view.dtype != DType::kF32 && view.dtype != DType::kF16 && view.dtype != DType::kBF16) {
    return wrong(absl::StrCat("as f32, f16 or bf16, it is ", Name(view.dtype)));
  }
  return view;
}

absl::StatusOr<Linear> LoadDense(const DenseModuleConfig& config) {
  const std::string path = config.path + "/model.safetensors";
  std::error_code error;
  if (!std::filesystem::exists(path, error) &&
      std::filesystem::exists(config.path + "/pytorch_model.bin", error)) {
    return absl::NotFoundError(
        absl::StrCat(config.path,
                     ": no model.safetensors, only pytorch_model.bin: convert it once, with "
                     "sentence-transformers' model.save(directory)"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  ASSIGN_OR_RETURN(const TensorView weight,
                   FindTensor(*file, "linear.weight", Shape{config.outputs, config.inputs}));
  TensorView bias;
  if (config.has_bias) {
    ASSIGN_OR_RETURN(bias, FindTensor(*file, "linear.bias", Shape{config.outputs}));
  }
  return Linear::Create(weight, bias, DType::kF32);
}

}  // namespace

absl::StatusOr<EmbeddingHead> EmbeddingHead::Load(const SentenceTransformersConfig& config,
                                                  int64_t hidden_size) {
  EmbeddingHead head(config.pooling, hidden_size);
  for (const DenseModuleConfig& module : config.dense) {
    ASSIGN_OR_RETURN(Linear linear, LoadDense(module));
    head.dense_.push_back({std::move(linear), module.activation});
  }
  return head;
}

std::vector<PoolingMode> EmbeddingHead::ModesOf(Pooling pooling) const {
  if (pooling == Pooling::kMean) return {PoolingMode::kMean};
  if (pooling == Pooling::kCls) return {PoolingMode::kCls};
  return modes_;
}

int64_t EmbeddingHead::SizeOf(Pooling pooling) const {
  const int64_t pooled = static_cast<int64_t>(ModesOf(pooling).size()) * hidden_size_;
  if (dense_.empty()) return pooled;
  return dense_.front().linear.in_features() == pooled ? dense_.back().linear.out_features() : 0;
}

bool EmbeddingHead::ReadsFirstTokenOnly(Pooling pooling) const {
  return ModesOf(pooling) == std::vector<PoolingMode>{PoolingMode::kCls};
}

size_t EmbeddingHead::loaded_bytes() const {
  size_t bytes = 0;
  for (const Dense& dense : dense_) bytes += dense.linear.packed_bytes();
  return bytes;
}

absl::Status EmbeddingHead::RunDense(std::vector<std::vector<float>>* vectors,
                                     ExecutionContext& context) const {
  const auto rows = static_cast<int64_t>(vectors->size());
  for (const Dense& dense : dense_) {
    const int64_t in = dense.linear.in_features(), out = dense.linear.out_features();
    const auto floats = [&](Workspace::Slot slot, int64_t channels) {
      return static_cast<float*>(
          context.workspace().Get(slot, static_cast<size_t>(rows * channels) * sizeof(float)));
    };
    float* const x = floats(Workspace::Slot::kNormed, in);
    float* const y = floats(Workspace::Slot::kProjection, out);
    for (int64_t row = 0; row < rows; ++row) {
      std::copy_n((*vectors)[static_cast<size_t>(row)].data(), in, x + row * in);
    }
    RETURN_IF_ERROR(dense.linear.Run({.x = x,
                                      .x_stride = in,
                                      .y = y,
                                      .y_stride = out,
                                      .rows = rows,
                                      .activation = dense.activation},
                                     context));
    for (int64_t row = 0; row < rows; ++row) {
      (*vectors)[static_cast<size_t>(row)].assign(y + row * out, y + (row + 1) * out);
    }
  }
  return absl::OkStatus();
}

absl::Status EmbeddingHead::Run(
    const TensorView& hidden, absl::Span<const EmbeddingCall> calls,
    const std::function<void(size_t call, std::vector<float> embedding)>& store,
    ExecutionContext& context) const {
  if (calls.empty()) return absl::OkStatus();
  std::vector<std::vector<float>> vectors(calls.size());
  context.threads().ParallelFor(
      static_cast<int64_t>(calls.size()), 1, [&](int64_t begin, int64_t end, int) {
        for (auto at = static_cast<size_t>(begin); at < static_cast<size_t>(end); ++at) {
          vectors[at] = Pool(hidden, calls[at].tokens.begin, calls[at].tokens.end,
                             ModesOf(calls[at].pooling));
        }
      });
  RETURN_IF_ERROR(RunDense(&vectors, context));
  for (size_t at = 0; at < calls.size(); ++at) {
    std::vector<float>& vector = vectors[at];
    if (calls[at].dimensions > 0) vector.resize(static_cast<size_t>(calls[at].dimensions));
    if (calls[at].normalize) NormalizeL2(absl::MakeSpan(vector));
    store(at, std::move(vector));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
