// The small pieces that commands print with: JSON lines, matrices, advice.
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/match.h"
#include "client/commands/advice.h"
#include "client/commands/json_line.h"
#include "client/commands/matrix.h"

namespace attentiond::client {
namespace {

TEST(JsonLineTest, IsOneHarmlessLine) {
  const std::string line = JsonLine({{"text", "caf\xc3\xa9 \x1b[2J\n\x7f \xc2\x9b \xff"}});
  EXPECT_EQ(line, "{\"text\":\"caf\xc3\xa9 \\u001b[2J\\n\\u007f \\u009b \xef\xbf\xbd\"}\n");
  EXPECT_EQ(nlohmann::json::parse(line)["text"], "caf\xc3\xa9 \x1b[2J\n\x7f \xc2\x9b \xef\xbf\xbd");
}

TEST(FewestDigitsTest, ReadsBackAsTheFloat) {
  EXPECT_EQ(FewestDigits(0.1f), 0.1);
  EXPECT_EQ(FewestDigits(-1e-30f), -1e-30);
  for (const float value : {0.3333333f, 16777216.0f, 1e38f, 5e-45f}) {
    EXPECT_EQ(static_cast<float>(FewestDigits(value)), value);
  }
  EXPECT_EQ(JsonLine({{"x", FewestDigits(-std::numeric_limits<float>::infinity())}}),
            "{\"x\":null}\n");
}

TEST(NestedArrayTest, FollowsTheShape) {
  Tensor tensor(DType::kF32, Shape({2, 1, 2}));
  for (size_t i = 0; i < 4; ++i) tensor.values<float>()[i] = static_cast<float>(i);
  EXPECT_EQ(NestedArray(tensor.view()).dump(), "[[[0.0,1.0]],[[2.0,3.0]]]");
  EXPECT_EQ(NestedArray(Tensor(DType::kF32, Shape({2, 0})).view()).dump(), "[[],[]]");
}

TEST(FormatMatrixTest, RowsWithLabels) {
  Tensor tensor(DType::kF32, Shape({2, 2}));
  for (size_t i = 0; i < 4; ++i) tensor.values<float>()[i] = static_cast<float>(i) * -0.5f;
  EXPECT_EQ(FormatMatrix(tensor.view(), {"the", "cat"}),
            "the  -0.0000  -0.5000\n"
            "cat  -1.0000  -1.5000\n");
}

TEST(FormatMatrixTest, LargeTensorsAreCut) {
  Tensor tensor(DType::kF32, Shape({3, 4, 10, 10}));
  for (float& value : tensor.values<float>()) value = 1;
  const std::string text = FormatMatrix(tensor.view(), {});
  EXPECT_TRUE(absl::StrContains(text, "[0, 0]\n"));
  EXPECT_TRUE(absl::StrContains(text, "[1, 3]\n")) << "the eighth matrix";
  EXPECT_FALSE(absl::StrContains(text, "[2, 0]"));
  EXPECT_TRUE(absl::EndsWith(text, "...\n...\n"));
  EXPECT_EQ(FormatMatrix(Tensor(DType::kF32, Shape({2, 0})).view(), {}), "(empty)\n");
}

TEST(WithAdviceTest, SaysWhatMendsIt) {
  const auto message = [](const absl::Status& status) {
    return std::string(WithAdvice(status, "host:1").message());
  };
  EXPECT_TRUE(WithAdvice(absl::OkStatus(), "host:1").ok());
  EXPECT_EQ(message(absl::InvalidArgumentError("inputs[0].text is too long.")),
            "INVALID_ARGUMENT: inputs[0].text is too long");
  EXPECT_TRUE(absl::StrContains(message(absl::UnavailableError("failed to connect to all")),
                                "no connection to host:1"));
  EXPECT_TRUE(absl::StrContains(message(absl::UnavailableError("draining")), "--wait"));
  EXPECT_TRUE(absl::StrContains(message(absl::ResourceExhaustedError("full")), "limit"));
  EXPECT_TRUE(absl::StrContains(message(absl::UnimplementedError("")), "host:1"));
  EXPECT_TRUE(absl::StrContains(message(absl::InternalError("")), "no reason given"));
}

}  // namespace
}  // namespace attentiond::client
