#include "core/models/multi_head_attention_config.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

using nlohmann::json;

TEST(MultiHeadAttentionConfigTest, ReadsTheConstructorsArguments) {
  const auto config = ParseMultiHeadAttentionConfig(
      {{"embed_dim", 48}, {"num_heads", 3}, {"kdim", 24}, {"vdim", 40}, {"bias", false}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->embed_dim, 48);
  EXPECT_EQ(config->num_heads, 3);
  EXPECT_EQ(config->head_dim(), 16);
  EXPECT_EQ(config->key_dim, 24);
  EXPECT_EQ(config->value_dim, 40);
  EXPECT_FALSE(config->bias);
}

TEST(MultiHeadAttentionConfigTest, DefaultsAsPyTorch) {
  const auto config = ParseMultiHeadAttentionConfig({{"embed_dim", 8},
                                                     {"num_heads", 2},
                                                     {"kdim", nullptr},
                                                     {"add_bias_kv", false},
                                                     {"add_zero_attn", false}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->key_dim, 8);
  EXPECT_EQ(config->value_dim, 8);
  EXPECT_TRUE(config->bias);
}

TEST(MultiHeadAttentionConfigTest, RefusesWhatIsNoLayer) {
  const struct {
    const char* key;
    json value;
    std::string message;
  } cases[] = {
      {"embed_dim", nullptr, R"("embed_dim" is missing, 1 to 131072 is required)"},
      {"embed_dim", 0, R"("embed_dim" is 0, 1 to 131072 is required)"},
      {"embed_dim", 9, R"("embed_dim" is 9, a multiple of "num_heads" 2 is required)"},
      {"num_heads", 1025, R"("num_heads" is 1025, 1 to 1024 is required)"},
      {"kdim", 0, R"("kdim" is 0, 1 to 131072 is required)"},
      {"vdim", 1.5, R"("vdim" is 1.5, an integer is required)"},
      {"bias", 1, R"("bias" is 1, true or false is required)"},
  };
  for (const auto& [key, value, message] : cases) {
    json config = {{"embed_dim", 8}, {"num_heads", 2}};
    config[key] = value;
    EXPECT_EQ(ParseMultiHeadAttentionConfig(config).status(),
              absl::InvalidArgumentError("config.json: " + message));
  }
}

TEST(MultiHeadAttentionConfigTest, RefusesKeysThatNoCallerSent) {
  for (const char* key : {"add_bias_kv", "add_zero_attn"}) {
    EXPECT_EQ(
        ParseMultiHeadAttentionConfig({{"embed_dim", 8}, {"num_heads", 2}, {key, true}}).status(),
        absl::UnimplementedError(std::string("config.json: \"") + key +
                                 "\" is true, which is not supported, only false"));
  }
}

}  // namespace
}  // namespace attentiond
