// tests/server/grpc/attention_service_tokenize_test.cc -- Tokenize over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TokenizeTest : public ::testing::Test {
 protected:
  static v1::TokenizeRequest Request(const std::vector<std::string>& texts) {
    v1::TokenizeRequest request;
    request.set_model("encoder");
    for (const std::string& text : texts) request.add_inputs()->set_text(text);
    return request;
  }
  grpc::Status Tokenize(const v1::TokenizeRequest& request, v1::TokenizeResponse* response) {
    grpc::ClientContext context;
    return server_.stub().Tokenize(&context, request, response);
  }
  v1::TokenizeResponse Good(const v1::TokenizeRequest& request) {
    v1::TokenizeResponse response;
    const grpc::Status status = Tokenize(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  AttentionTestServer server_;
};

std::vector<std::string> Spellings(const v1::Tokenization& result) {
  std::vector<std::string> spellings;
  for (const v1::Token& token : result.tokens()) spellings.push_back(token.text());
  return spellings;
}

TEST_F(TokenizeTest, DescribesEveryToken) {
  v1::TokenizeRequest request = Request({"\u00e9 bc,"});
  request.mutable_inputs(0)->set_text_pair("d");
  const v1::TokenizeResponse response = Good(request);
  ASSERT_EQ(response.results_size(), 1);
  const v1::Tokenization& result = response.results(0);
  EXPECT_THAT(Spellings(result),
              ElementsAre("[CLS]", "\u00e9", "b", "c", ",", "[SEP]", "d", "[SEP]"));
  const v1::Token& special = result.tokens(0);
  EXPECT_TRUE(special.special());
  EXPECT_EQ(special.id(), 0);
  EXPECT_FALSE(special.has_word_index());

  const v1::Token& c = result.tokens(3);
  EXPECT_FALSE(c.special());
  EXPECT_EQ(c.id(), 3 + 'c');
  EXPECT_EQ(c.type_id(), 0);
  EXPECT_EQ(c.sequence(), 0);
  EXPECT_EQ(c.char_begin(), 3);
  EXPECT_EQ(c.char_end(), 4);
  EXPECT_EQ(c.byte_begin(), 4);
  EXPECT_EQ(c.byte_end(), 5);
  EXPECT_EQ(c.word_index(), 1);
  EXPECT_EQ(result.tokens(4).word_index(), 2);

  const v1::Token& d = result.tokens(6);
  EXPECT_EQ(d.sequence(), 1);
  EXPECT_EQ(d.type_id(), 1);
  EXPECT_EQ(d.char_begin(), 0);
  EXPECT_EQ(d.word_index(), 0);

  EXPECT_EQ(response.input_tokens(), 8);
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_FALSE(result.has_decoded());
}

TEST_F(TokenizeTest, LeavesSpecialTokensOut) {
  v1::TokenizeRequest request = Request({"ab", ""});
  request.set_add_special_tokens(false);
  const v1::TokenizeResponse response = Good(request);
  EXPECT_THAT(Spellings(response.results(0)), ElementsAre("a", "b"));
  EXPECT_THAT(Spellings(response.results(1)), ElementsAre());
}

TEST_F(TokenizeTest, DecodesWhenAsked) {
  v1::TokenizeRequest request = Request({"a"});
  request.set_decode(true);
  EXPECT_EQ(Good(request).results(0).decoded(), "0 100 1");
  request.set_skip_special_tokens(true);
  EXPECT_EQ(Good(request).results(0).decoded(), "100");
}

TEST_F(TokenizeTest, CutsOnlyWhenAsked) {
  v1::TokenizeRequest request = Request({std::string(40, 'a')});
  EXPECT_EQ(Good(request).results(0).tokens_size(), 42);
  request.set_truncate(true);
  const v1::TokenizeResponse response = Good(request);
  EXPECT_EQ(response.results(0).tokens_size(), 32);
  EXPECT_EQ(response.results(0).truncated_tokens(), 10);
  EXPECT_EQ(response.results(0).tokens(0).id(), 0);
  request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  EXPECT_EQ(Good(request).results(0).tokens(0).id(), 100);
}

TEST_F(TokenizeTest, BoundsTheReply) {
  const std::string text(1 << 18, 'a');
  v1::TokenizeResponse response;
  const grpc::Status status = Tokenize(Request({text, text, text, text}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(BadField(status), "inputs");
  EXPECT_EQ(status.error_message(), "inputs: 1048584 tokens, required at most 1048576 in one call");
}

TEST_F(TokenizeTest, BoundsTheTexts) {
  // White space makes no tokens: 16 MiB of it are answered, a byte more is refused.
  const std::string half(8 << 20, ' ');
  EXPECT_EQ(Good(Request({half, half})).input_tokens(), 4);
  v1::TokenizeResponse response;
  const grpc::Status status = Tokenize(Request({half, half, "a"}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(BadField(status), "inputs");
  EXPECT_EQ(status.error_message(),
            "inputs: 16777217 bytes of text, required at most 16777216 in one call");
}

TEST_F(TokenizeTest, WantsInputsAndATokenizer) {
  v1::TokenizeResponse response;
  grpc::Status status = Tokenize(Request({}), &response);
  EXPECT_EQ(BadField(status), "inputs");

  v1::TokenizeRequest request = Request({"a"});
  request.clear_model();
  status = Tokenize(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(BadField(status), "model");
  EXPECT_THAT(status.error_message(), HasSubstr("loaded: encoder, sentiment"));

  for (const char* model : {"ids-only", "layer", "attention"}) {
    request.set_model(model);
    EXPECT_EQ(Tokenize(request, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION)
        << model;
  }
}

}  // namespace
}  // namespace attentiond::testing
