#include "server/logging/request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "server/logging/access_log.h"

namespace attentiond {
namespace {

std::string LogOf(LogLevel level, const absl::Status& status) {
  std::ostringstream out;
  {
    Logger logger({.level = level}, &out);
    LogRequest(&logger,
               {.request_id = "r-1",
                .method = "ModelInfer",
                .model = "demo",
                .duration = absl::Milliseconds(2)},
               status);
  }
  return out.str();
}

TEST(RequestLogTest, BugsAreErrorsWithTheRequestId) {
  for (const auto code :
       {absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kDataLoss}) {
    EXPECT_THAT(LogOf(LogLevel::kError, absl::Status(code, "shape lost")),
                testing::AllOf(testing::HasSubstr(" error request failed request_id=r-1 "),
                               testing::HasSubstr(" error=\"shape lost\"")));
  }
}

TEST(RequestLogTest, WhatTheClientCausedIsDebug) {
  EXPECT_EQ(LogOf(LogLevel::kInfo, absl::InvalidArgumentError("no such input")), "");
  EXPECT_EQ(LogOf(LogLevel::kInfo, absl::OkStatus()), "");
  EXPECT_THAT(LogOf(LogLevel::kDebug, absl::InvalidArgumentError("no such input")),
              testing::HasSubstr(" debug request request_id=r-1 method=ModelInfer model=demo "
                                 "code=INVALID_ARGUMENT duration_seconds=0.002 "
                                 "error=\"no such input\"\n"));
}

TEST(RequestLogTest, TheSampleIsInfoWithPeerAndTrace) {
  std::ostringstream out;
  {
    Logger logger({.level = LogLevel::kInfo}, &out);
    AccessLog every_third(3), none(0);
    for (int i = 0; i < 7; ++i) {
      EXPECT_FALSE(none.Take());
      LogRequest(&logger,
                 {.request_id = "r",
                  .method = "Embed",
                  .trace = "00-1-2-01",
                  .peer = "ipv4:1.2.3.4:5",
                  .sampled = every_third.Take()},
                 absl::OkStatus());
    }
  }
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, testing::HasSubstr(" peer=ipv4:1.2.3.4:5 traceparent=00-1-2-01\n"));
}

TEST(RequestLogTest, SuccessHasNoErrorField) {
  EXPECT_THAT(LogOf(LogLevel::kDebug, absl::OkStatus()),
              testing::EndsWith(" code=OK duration_seconds=0.002\n"));
}

}  // namespace
}  // namespace attentiond
