// core/models/config_fields.h -- fields of config.json that models share: sizes within limits, and
// switches that must be off.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// The most of each that a model may have: far above any published one, and small enough that the
/// product of two fits in an int64_t.
struct ConfigLimits {
  static constexpr int64_t kWidth = 1 << 17;
  static constexpr int64_t kLayers = 1024;
  static constexpr int64_t kHeads = 1024;
  static constexpr int64_t kVocab = 1 << 24;
  static constexpr int64_t kPositions = 1 << 20;
};

/// A size that must be there, from 1 to `max`; kInvalidArgument names the key, what was found and
/// what is required.
absl::StatusOr<int64_t> GetSize(const nlohmann::json& config, const char* key, int64_t max);

/// As above, with a default when it is absent or null.
absl::StatusOr<int64_t> GetSize(const nlohmann::json& config, const char* key, int64_t max,
                                int64_t fallback);

/// What a norm adds to the variance: more than 0, at most 1; kInvalidArgument as above.
absl::StatusOr<float> GetEpsilon(const nlohmann::json& config, const char* key, double fallback);

/// kUnimplemented when `key` is true.
absl::Status RequireFalse(const nlohmann::json& config, const char* key);

/// kUnimplemented when `key` has a value: anything but null, or an empty array or object.
absl::Status RequireNull(const nlohmann::json& config, const char* key);

/// The activation that `key` names; the one of `fallback` when it is absent or null. kUnimplemented
/// names the key and what was found.
absl::StatusOr<Activation> GetActivation(const nlohmann::json& config, const char* key,
                                         const char* fallback);

/// kInvalidArgument when `width` (the value of `width_key`) does not split into `heads` equal
/// parts.
absl::Status CheckHeadsDivide(const char* width_key, int64_t width, const char* heads_key,
                              int64_t heads);

/// The same error, as a message about config.json.
absl::Status InConfigJson(const absl::Status& status);

}  // namespace attentiond
