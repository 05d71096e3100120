#include "core/onednn/error.h"

#include <gtest/gtest.h>

#include <new>

namespace attentiond::onednn {
namespace {

TEST(GuardTest, SuccessIsOk) {
  EXPECT_TRUE(Guard("multiply", [] {}).ok());
}

TEST(GuardTest, OneDnnErrorsBecomeStatus) {
  const struct {
    dnnl_status_t thrown;
    absl::StatusCode code;
  } cases[] = {
      {dnnl_out_of_memory, absl::StatusCode::kResourceExhausted},
      {dnnl_unimplemented, absl::StatusCode::kUnimplemented},
      {dnnl_last_impl_reached, absl::StatusCode::kUnimplemented},
      {dnnl_invalid_arguments, absl::StatusCode::kInternal},
      {dnnl_runtime_error, absl::StatusCode::kInternal},
  };
  for (const auto& [thrown, code] : cases) {
    const absl::Status status =
        Guard("multiply", [thrown = thrown] { throw dnnl::error(thrown, "no tiles"); });
    EXPECT_EQ(status.code(), code) << thrown;
    EXPECT_EQ(status.message(), "multiply: no tiles");
  }
}

TEST(GuardTest, OutOfMemoryIsResourceExhausted) {
  const absl::Status status = Guard("multiply", [] { throw std::bad_alloc(); });
  EXPECT_EQ(status, absl::ResourceExhaustedError("multiply: out of memory"));
}

}  // namespace
}  // namespace attentiond::onednn
