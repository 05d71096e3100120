#include "server/logging/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace attentiond {
namespace {

std::string Text(absl::string_view message, std::vector<LogField> fields = {}) {
  return FormatTextLine(message, fields);
}

nlohmann::json Json(absl::string_view message, std::vector<LogField> fields = {}) {
  return nlohmann::json::parse("{" + FormatJsonLine(message, fields));
}

TEST(LogLineTest, TextHasFieldsOfEveryType) {
  const std::string owned = "demo";
  EXPECT_EQ(Text("loaded", {{"model", owned},
                            {"view", absl::string_view("v")},
                            {"literal", "l"},
                            {"count", 3},
                            {"bytes", size_t{4096}},
                            {"seconds", 0.25},
                            {"ready", true}}),
            "loaded model=demo view=v literal=l count=3 bytes=4096 seconds=0.25 ready=true");
}

TEST(LogLineTest, TextQuotesWhatWouldReadAsAnotherField) {
  EXPECT_EQ(Text("m", {{"a", ""}}), R"(m a="")");
  EXPECT_EQ(Text("m", {{"a", "two words"}}), R"(m a="two words")");
  EXPECT_EQ(Text("m", {{"a", "b=c"}}), R"(m a="b=c")");
  EXPECT_EQ(Text("m", {{"a", "quote\" admin=true"}}), R"(m a="quote\" admin=true")");
}

TEST(LogLineTest, TextCannotBeInjectedInto) {
  // New lines, an ANSI sequence, DEL and a C1 control character (U+009B, "CSI").
  const std::string hostile = "x\ny\r\x1b[31m\x7f\xc2\x9b";
  for (const std::string& line : {Text(hostile), Text("m", {{"id", hostile}})}) {
    EXPECT_THAT(line, testing::Not(testing::Contains(
                          testing::Truly([](char c) { return c < 0x20 || c > 0x7e; }))))
        << line;
  }
  EXPECT_EQ(Text("a\nb"), "a\\x0ab");
  EXPECT_EQ(Text("m", {{"id", "a\nb"}}), R"(m id="a\nb")");
}

TEST(LogLineTest, JsonRoundTripsStrings) {
  const std::string hostile = "line\n\"quote\" \\ \x01 \xc3\xa9";
  const nlohmann::json line = Json(hostile, {{"id", hostile}, {"count", -1}, {"ready", false}});
  EXPECT_EQ(line["message"], hostile);
  EXPECT_EQ(line["id"], hostile);
  EXPECT_EQ(line["count"], -1);
  EXPECT_EQ(line["ready"], false);
  EXPECT_EQ(FormatJsonLine(hostile, {}).find('\n'), std::string::npos);
}

TEST(LogLineTest, JsonReplacesWhatItCannotSay) {
  const nlohmann::json line = Json("m", {{"bytes", "a\xff"}, {"ratio", std::nan("")}});
  EXPECT_EQ(line["bytes"], "a\xef\xbf\xbd");
  EXPECT_TRUE(line["ratio"].is_null());
}

}  // namespace
}  // namespace attentiond
