// core/onednn/error.h -- oneDNN's exceptions become Status here: the only try/catch of core/.
//
// For the sources of core/onednn alone: it includes oneDNN's headers.
#pragma once

#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace attentiond::onednn {

/// What a oneDNN status means to a caller. Whatever reaches oneDNN was validated before, so an
/// invalid argument is a bug of ours.
inline absl::StatusCode ToStatusCode(dnnl_status_t status) {
  switch (status) {
    case dnnl_success:
      return absl::StatusCode::kOk;
    case dnnl_out_of_memory:
      return absl::StatusCode::kResourceExhausted;
    case dnnl_unimplemented:
    case dnnl_last_impl_reached:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

/// Runs `body`; returns OK, or what oneDNN threw as a Status that begins with `operation`. Anything
/// but a dnnl::error or std::bad_alloc ends the process.
template <typename Body>
absl::Status Guard(absl::string_view operation, Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return absl::OkStatus();
  } catch (const dnnl::error& error) {
    return {ToStatusCode(error.status), absl::StrCat(operation, ": ", error.what())};
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(operation, ": out of memory"));
  }
}

}  // namespace attentiond::onednn
