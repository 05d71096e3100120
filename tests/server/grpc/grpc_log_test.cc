#include "server/grpc/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace attentiond {
namespace {

std::string LogOf(LogLevel level) {
  std::ostringstream out;
  {
    Logger logger({.level = level}, &out);
    const GrpcLog grpc_log(&logger);
    gpr_log_verbosity_init();  // as grpc_init() does: errors alone
    gpr_log(GPR_ERROR, "no address\nadded");
  }
  gpr_log(GPR_ERROR, "too late");
  return out.str();
}

TEST(GrpcLogTest, LinesGoToTheLogAtDebug) {
  EXPECT_THAT(LogOf(LogLevel::kDebug),
              testing::EndsWith(" debug no address\\x0aadded source=grpc severity=E\n"));
  EXPECT_EQ(LogOf(LogLevel::kInfo), "");
}

TEST(GrpcLogTest, NothingGoesToStandardError) {
  testing::internal::CaptureStderr();
  LogOf(LogLevel::kDebug);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace attentiond
