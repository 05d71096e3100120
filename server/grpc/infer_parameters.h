// server/grpc/infer_parameters.h -- the parameters of a ModelInferRequest, read by name and type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/text/tokenizer.h"
#include "inference/grpc_service.pb.h"

namespace attentiond {

/// Reads the known parameters one by one; what nobody read is an error at the end.
class InferParameters {
 public:
  using Map = google::protobuf::Map<std::string, inference::InferParameter>;
  /// `map` is borrowed.
  explicit InferParameters(const Map& map) : map_(map) {}

  /// Each leaves `value` as it is when the parameter is absent. Integers come as int64 or uint64; a
  /// number that is to be a double also as an integer.
  /// kInvalidArgument: another type, a FieldError() of "parameters.NAME".
  absl::Status Read(absl::string_view name, bool* value);
  absl::Status Read(absl::string_view name, int64_t* value);
  absl::Status Read(absl::string_view name, double* value);
  absl::Status Read(absl::string_view name, std::string* value);
  absl::Status Read(absl::string_view name, TruncationSide* value);  ///< "right", "left"
  template <typename T>
  absl::Status Read(absl::string_view name, std::optional<T>* value) {
    if (Find(name) == nullptr) return absl::OkStatus();
    return Read(name, &value->emplace());
  }

  /// The parameter as it is; nullptr when it is absent. It counts as read.
  const inference::InferParameter* Get(absl::string_view name) { return Find(name); }

  /// kInvalidArgument names the first parameter, in alphabetical order, that nobody read, except
  /// those that start with "triton_".
  absl::Status CheckAllKnown() const;

 private:
  const inference::InferParameter* Find(absl::string_view name);

  const Map& map_;
  absl::InlinedVector<absl::string_view, 8> known_;
};

}  // namespace attentiond
