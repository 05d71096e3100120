#include "core/ops/attention_validation.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

template <typename Found>
absl::Status Invalid(absl::string_view field, const Found& found, absl::string_view required) {
  return absl::InvalidArgumentError(
      absl::StrCat("attention: ", field, " is ", found, ", required: ", required));
}

absl::Status ValidateSizes(const AttentionArgs& args) {
  if (args.batch < 0) return Invalid("batch", args.batch, "at least 0");
  if (args.num_kv_heads < 1) return Invalid("num_kv_heads", args.num_kv_heads, "at least 1");
  if (args.num_heads < 1 || args.num_heads % args.num_kv_heads != 0) {
    return Invalid("num_heads", args.num_heads,
                   absl::StrCat("a positive multiple of num_kv_heads, ", args.num_kv_heads));
  }
  if (args.head_dim < 1) return Invalid("head_dim", args.head_dim, "at least 1");
  if (args.value_dim < 1) return Invalid("value_dim", args.value_dim, "at least 1");
  if (args.dtype != DType::kF32 && args.dtype != DType::kBF16 && args.dtype != DType::kF16) {
    return Invalid("dtype", Name(args.dtype), "f32, bf16 or f16");
  }
  return absl::OkStatus();
}

absl::Status ValidateLengths(absl::string_view field, const SequenceLengths& lengths,
                             int64_t batch) {
  if (lengths.cumulative.empty()) {
    if (lengths.dense_length < 0) return Invalid(field, lengths.dense_length, "at least 0");
    return absl::OkStatus();
  }
  if (static_cast<int64_t>(lengths.cumulative.size()) != batch + 1) {
    return Invalid(absl::StrCat(field, ".cumulative's size"), lengths.cumulative.size(),
                   absl::StrCat("batch + 1, ", batch + 1));
  }
  if (lengths.cumulative[0] != 0) {
    return Invalid(absl::StrCat(field, ".cumulative[0]"), lengths.cumulative[0], "0");
  }
  for (int64_t b = 0; b < batch; ++b) {
    if (lengths.length(b) < 0) {
      return Invalid(absl::StrCat(field, " of sequence ", b), lengths.length(b), "at least 0");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateOptions(const AttentionArgs& args) {
  if (args.scale.has_value() && !std::isfinite(*args.scale)) {
    return Invalid("scale", *args.scale, "finite");
  }
  if (args.window.has_value() && *args.window < 1) {
    return Invalid("window", *args.window, "at least 1");
  }
  if (args.softcap.has_value() && !(std::isfinite(*args.softcap) && *args.softcap > 0)) {
    return Invalid("softcap", *args.softcap, "finite and above 0");
  }
  if (args.valid_kv.empty()) return absl::OkStatus();
  if (static_cast<int64_t>(args.valid_kv.size()) != args.batch) {
    return Invalid("valid_kv's size", args.valid_kv.size(),
                   absl::StrCat("batch, ", args.batch, ", or 0"));
  }
  for (int64_t b = 0; b < args.batch; ++b) {
    const int64_t valid = args.valid_kv[static_cast<size_t>(b)];
    if (valid < 0 || valid > args.kv_lengths.length(b)) {
      return Invalid(absl::StrCat("valid_kv[", b, "]"), valid,
                     absl::StrCat("between 0 and the number of keys, ", args.kv_lengths.length(b)));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidatePointers(const AttentionArgs& args, const AttentionOutputs& outputs) {
  bool any_query = false, any_key = false;
  for (int64_t b = 0; b < args.batch; ++b) {
    any_query |= args.query_lengths.length(b) > 0;
    any_key |= args.query_lengths.length(b) > 0 && args.kv_lengths.length(b) > 0;
  }
  if (any_query && args.query.data == nullptr) return Invalid("query", "null", "data");
  if (any_query && outputs.output.data == nullptr) return Invalid("output", "null", "data");
  if (any_key && args.key.data == nullptr) return Invalid("key", "null", "data");
  if (any_key && args.value.data == nullptr) return Invalid("value", "null", "data");
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateAttention(const AttentionArgs& args, const AttentionOutputs& outputs) {
  RETURN_IF_ERROR(ValidateSizes(args));
  RETURN_IF_ERROR(ValidateLengths("query_lengths", args.query_lengths, args.batch));
  RETURN_IF_ERROR(ValidateLengths("kv_lengths", args.kv_lengths, args.batch));
  RETURN_IF_ERROR(ValidateOptions(args));
  RETURN_IF_ERROR(ValidatePointers(args, outputs));
  if (!outputs.weights_offsets.empty() &&
      static_cast<int64_t>(outputs.weights_offsets.size()) != args.batch) {
    return Invalid("weights_offsets' size", outputs.weights_offsets.size(),
                   absl::StrCat("batch, ", args.batch, ", or 0"));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
