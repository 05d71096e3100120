#include "server/flag_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace attentiond {
namespace {

TEST(FlagValuesTest, Counts) {
  EXPECT_EQ(*ParseCount("0"), 0);
  EXPECT_EQ(*ParseCount("16384"), 16384);
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1k", "0x10", "1.5", "9223372036854775808"}) {
    EXPECT_EQ(ParseCount(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FlagValuesTest, Bytes) {
  EXPECT_EQ(*ParseBytes("0"), 0);
  EXPECT_EQ(*ParseBytes("1500"), 1500);
  EXPECT_EQ(*ParseBytes("1500B"), 1500);
  EXPECT_EQ(*ParseBytes("64KiB"), 64 << 10);
  EXPECT_EQ(*ParseBytes("64MiB"), 64 << 20);
  EXPECT_EQ(*ParseBytes("1Gi"), 1 << 30);
  EXPECT_EQ(*ParseBytes("2MB"), 2'000'000);
  for (const char* text : {"", "MiB", "-1MiB", "1 MiB", "1mib", "1TiB", "1.5GiB", "1MiBx",
                           "9223372036854775807KiB", "9223372036854775808"}) {
    EXPECT_EQ(ParseBytes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FlagValuesTest, BytesAreShownAsOneWouldWriteThem) {
  for (const char* text : {"0B", "1500B", "64KiB", "64MiB", "3GiB", "1025KiB"}) {
    EXPECT_EQ(FormatBytes(*ParseBytes(text)), text);
  }
}

TEST(FlagValuesTest, Durations) {
  EXPECT_EQ(*ParseDurationFlag("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDurationFlag("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDurationFlag("5ms"), absl::Milliseconds(5));
  EXPECT_EQ(*ParseDurationFlag("1m30s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDurationFlag("30"), absl::Seconds(30));
  EXPECT_EQ(*ParseDurationFlag("0.5"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDurationFlag("1.5s"), absl::Milliseconds(1500));
  for (const char* text :
       {"", "s", "-1s", "+1s", " 1s", "1 s", "inf", "nan", "5 minutes", "1.2.3", ".", "1e400"}) {
    EXPECT_EQ(ParseDurationFlag(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FlagValuesTest, Bools) {
  for (const char* text : {"true", "TRUE", "1", "yes", "on"}) EXPECT_TRUE(*ParseBool(text)) << text;
  for (const char* text : {"false", "0", "No", "off"}) EXPECT_FALSE(*ParseBool(text)) << text;
  for (const char* text : {"", "maybe", "2", "true "}) {
    EXPECT_EQ(ParseBool(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FlagValuesTest, ErrorsSayWhatWasFoundAndWhatIsRequired) {
  EXPECT_EQ(ParseCount("many").status().message(), "\"many\" is not a whole number such as 256");
  EXPECT_THAT(std::string(ParseBytes("big").status().message()), testing::HasSubstr("64MiB"));
  EXPECT_THAT(std::string(ParseDurationFlag("soon").status().message()), testing::HasSubstr("30s"));
}

}  // namespace
}  // namespace attentiond
