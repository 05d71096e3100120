// What is a trace context and what is not; the examples are those of the W3C's recommendation.
#include "server/grpc/trace_context.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

constexpr char kExample[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, TheParts) {
  const auto context = ParseTraceparent(kExample);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->parent_id, "00f067aa0ba902b7");
  EXPECT_EQ(context->flags, "01");
  EXPECT_EQ(context->WithSpan("1111111111111111"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01");
}

TEST(TraceContextTest, LaterVersionsMayBeLonger) {
  const std::string later = absl::StrCat("cc", absl::string_view(kExample).substr(2));
  EXPECT_TRUE(ParseTraceparent(later).has_value());
  EXPECT_TRUE(ParseTraceparent(later + "-what-the-future-will-be-like").has_value());
  EXPECT_FALSE(ParseTraceparent(later + ".what").has_value());
}

TEST(TraceContextTest, WhatIsNoneIsIgnored) {
  for (const char* header :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(ParseTraceparent(header).has_value()) << header;
  }
}

TEST(TraceContextTest, SpansDiffer) {
  const std::string first = NewSpanId();
  EXPECT_EQ(first.size(), 16u);
  EXPECT_TRUE(ParseTraceparent(ParseTraceparent(kExample)->WithSpan(first)).has_value());
  EXPECT_NE(first, NewSpanId());
}

}  // namespace
}  // namespace attentiond
