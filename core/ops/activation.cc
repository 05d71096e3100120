#include "core/ops/activation.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/ops/row_kernels.h"

namespace attentiond {
namespace {

struct NamedActivation {
  absl::string_view name;
  Activation activation;
};
constexpr NamedActivation kNames[] = {
    {"gelu", Activation::kGeluErf},        {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},  {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"relu", Activation::kRelu},           {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},          {"tanh", Activation::kTanh},
    {"gelu_python", Activation::kGeluErf}, {"linear", Activation::kNone},
};

// Values that take about 10 us: less is not worth another thread.
constexpr int64_t kGrain = 16 * 1024;

}  // namespace

absl::StatusOr<Activation> ParseActivation(absl::string_view name) {
  std::string known;
  for (const NamedActivation& named : kNames) {
    if (named.name == name) return named.activation;
    absl::StrAppend(&known, known.empty() ? "" : ", ", named.name);
  }
  return absl::UnimplementedError(
      absl::StrCat("activation \"", name, "\" is not supported; known are ", known));
}

void ApplyActivation(Activation activation, DType dtype, void* values, int64_t count,
                     ExecutionContext& context) {
  if (activation == Activation::kNone) return;
  char* const bytes = static_cast<char*>(values);
  const auto element = static_cast<int64_t>(ByteSize(dtype));
  context.threads().ParallelFor(count, kGrain, [&](int64_t begin, int64_t end, int) {
    ActivateRow(activation, dtype, end - begin, bytes + begin * element);
  });
}

}  // namespace attentiond
