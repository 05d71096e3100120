#include "server/inference/prompt.h"

#include <gtest/gtest.h>

#include "tests/testing/field_error_matcher.h"

namespace attentiond {
namespace {

TEST(PromptTest, ByNameByDefaultOrNone) {
  ModelInfo info;
  EXPECT_EQ(*PromptOf(info, "prompt_name", std::nullopt), "");
  info.prompts = {{"passage", "passage: "}, {"query", "query: "}};
  EXPECT_EQ(*PromptOf(info, "prompt_name", std::nullopt), "");
  EXPECT_EQ(*PromptOf(info, "prompt_name", "query"), "query: ");
  info.default_prompt = "passage";
  EXPECT_EQ(*PromptOf(info, "prompt_name", std::nullopt), "passage: ");
  EXPECT_EQ(*PromptOf(info, "prompt_name", ""), "");
}

TEST(PromptTest, NamesThoseThatThereAre) {
  ModelInfo info;
  info.prompts = {{"passage", "passage: "}, {"query", "query: "}};
  const absl::Status status = PromptOf(info, "prompt_name", "question").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "prompt_name: \"question\", required the name of a prompt of the model: \"\", "
            "\"passage\", \"query\"");
}

}  // namespace
}  // namespace attentiond
