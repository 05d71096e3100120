// core/base/status_macros.h -- leave a function early with its callee's error.
//
//   RETURN_IF_ERROR(expr);                    expr is an absl::Status
//   ASSIGN_OR_RETURN(auto x, expr);           expr is an absl::StatusOr<T>
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expr)                                                 \
  do {                                                                        \
    if (::absl::Status attentiond_status_ = (expr); !attentiond_status_.ok()) \
      return attentiond_status_;                                              \
  } while (false)

#define ATTENTIOND_CONCAT_INNER(a, b) a##b
#define ATTENTIOND_CONCAT(a, b) ATTENTIOND_CONCAT_INNER(a, b)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ATTENTIOND_ASSIGN_OR_RETURN(ATTENTIOND_CONCAT(attentiond_or_, __LINE__), lhs, expr)

#define ATTENTIOND_ASSIGN_OR_RETURN(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = std::move(result).value()
