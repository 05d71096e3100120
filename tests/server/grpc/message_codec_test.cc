// tests/server/grpc/message_codec_test.cc -- bytes that are not the message they should be, cut
// into slices in every way.
#include "server/grpc/message_codec.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "attentiond/v1/attention_service.pb.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxElements = 4;

/// `bytes` in slices of `slice_bytes`, as they come from the network.
grpc::ByteBuffer Buffer(const std::string& bytes, size_t slice_bytes = 1 << 20) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += slice_bytes) {
    slices.emplace_back(bytes.substr(at, slice_bytes));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

template <typename Message>
absl::Status Parse(const std::string& bytes, Message* message, size_t slice_bytes = 1 << 20) {
  grpc::ByteBuffer buffer = Buffer(bytes, slice_bytes);
  return ParseMessage(&buffer, kMaxElements, message);
}

v1::ClassifyRequest TwoInputs() {
  v1::ClassifyRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text("na\u00efve \U0001f63a");
  request.add_inputs()->set_text("two");
  request.mutable_inputs(1)->set_text_pair("three");
  request.set_top_k(7);
  return request;
}

/// `text` with a byte of `in` replaced by one that UTF-8 does not have.
std::string Corrupt(std::string bytes, const std::string& in) {
  bytes[bytes.find(in)] = '\xff';
  return bytes;
}

TEST(ParseMessageTest, ParsesWhateverTheSlices) {
  const v1::ClassifyRequest request = TwoInputs();
  for (const size_t slice_bytes : {1u, 2u, 3u, 7u, 1000u}) {
    v1::ClassifyRequest parsed;
    const absl::Status status = Parse(request.SerializeAsString(), &parsed, slice_bytes);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(parsed.SerializeAsString(), request.SerializeAsString());
  }
}

TEST(ParseMessageTest, NothingIsTheEmptyMessage) {
  v1::ClassifyRequest parsed;
  EXPECT_TRUE(Parse("", &parsed).ok());
  grpc::ByteBuffer invalid;
  EXPECT_TRUE(ParseMessage(&invalid, kMaxElements, &parsed).ok());
}

TEST(ParseMessageTest, SkipsFieldsThatItDoesNotKnow) {
  v1::ListModelsRequest other;
  EXPECT_TRUE(Parse(TwoInputs().SerializeAsString(), &other).ok());
}

TEST(ParseMessageTest, NamesTheStringThatIsNotUtf8) {
  struct Case {
    const char* in;
    const char* field;
    const char* message;
  };
  const Case cases[] = {
      {"sentiment", "model", "model: byte 0 is not valid UTF-8, required text in UTF-8"},
      {"ve ", "inputs[0].text",
       "inputs[0].text: byte 4 is not valid UTF-8, required text in UTF-8"},
      {"three", "inputs[1].text_pair",
       "inputs[1].text_pair: byte 0 is not valid UTF-8, required text in UTF-8"},
  };
  for (const Case& c : cases) {
    v1::ClassifyRequest parsed;
    const absl::Status status = Parse(Corrupt(TwoInputs().SerializeAsString(), c.in), &parsed, 5);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), c.field);
    EXPECT_EQ(status.message(), c.message);
  }
}

TEST(ParseMessageTest, RefusesSurrogatesOverlongAndCutCharacters) {
  for (const std::string text : {"\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
    v1::TextInput input;
    const std::string bytes = std::string("\x0a") + static_cast<char>(text.size()) + text;
    EXPECT_EQ(FieldOf(Parse(bytes, &input)), "text") << text;
  }
}

TEST(ParseMessageTest, BytesFieldsMayHoldAnything) {
  v1::AttendRequest request, parsed;
  request.mutable_query()->set_data("\xff\xfe\x00\x80");
  EXPECT_TRUE(Parse(request.SerializeAsString(), &parsed, 3).ok());
  EXPECT_EQ(parsed.query().data(), request.query().data());
}

TEST(ParseMessageTest, CountsElementsBeforeAnyIsMade) {
  v1::ClassifyRequest request, parsed;
  for (int i = 0; i < kMaxElements; ++i) request.add_inputs();
  EXPECT_TRUE(Parse(request.SerializeAsString(), &parsed).ok());
  request.add_inputs();
  const absl::Status status = Parse(request.SerializeAsString(), &parsed);
  EXPECT_EQ(status.message(), "inputs: more than 4 elements, required at most 4");
  EXPECT_EQ(FieldOf(status), "inputs");
}

TEST(ParseMessageTest, RefusesEveryTruncation) {
  const std::string bytes = TwoInputs().SerializeAsString();
  int refused = 0;
  for (size_t size = 1; size < bytes.size(); ++size) {
    v1::ClassifyRequest parsed;
    const absl::Status status = Parse(bytes.substr(0, size), &parsed, 4);
    if (status.ok()) continue;  // cut between two fields
    ++refused;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  }
  // Four fields at the top level: three cuts are between two of them.
  EXPECT_EQ(refused, static_cast<int>(bytes.size()) - 1 - 3);
}

TEST(ParseMessageTest, RefusesBrokenWireFormat) {
  const std::string cases[] = {
      std::string("\x00", 1),                      // field number 0
      "\x0f",                                      // wire type 7
      "\x0c",                                      // an end of group that was not begun
      "\x0a\xff\xff\xff\xff\x0f",                  // a string of 4 GiB
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff",  // a length that does not end
      "\x1a\x7f\x0a\x01",                          // a message longer than what is left
      "\x1a\x02\x0a\x05"
      "abcde",  // a string that leaves its message
  };
  for (const std::string& bytes : cases) {
    v1::ClassifyRequest parsed;
    EXPECT_EQ(Parse(bytes, &parsed).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ParseMessageTest, SurvivesDeepUnknownGroups) {
  // 100,000 groups that begin inside of each other.
  v1::ClassifyRequest parsed;
  EXPECT_FALSE(Parse(std::string(100000, '\x7b'), &parsed).ok());
}

TEST(SerializeMessageTest, GoesThereAndBack) {
  for (const int elements : {0, 1, 100000}) {
    v1::EmbedResponse response, parsed;
    auto* values = response.add_results()->mutable_values();
    for (int i = 0; i < elements; ++i) values->Add(static_cast<float>(i));
    grpc::ByteBuffer bytes;
    ASSERT_TRUE(SerializeMessage(response, 1 << 30, &bytes).ok());
    EXPECT_EQ(bytes.Length(), response.ByteSizeLong());
    ASSERT_TRUE(ParseMessage(&bytes, kMaxElements, &parsed).ok());
    EXPECT_EQ(parsed.SerializeAsString(), response.SerializeAsString());
  }
}

TEST(SerializeMessageTest, RefusesMoreThanTheLimit) {
  v1::EmbedResponse response;
  response.set_model_version("1");
  grpc::ByteBuffer bytes;
  EXPECT_TRUE(SerializeMessage(response, 3, &bytes).ok());
  const absl::Status status = SerializeMessage(response, 2, &bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "the reply would take 3 bytes, the limit is 2: ask for less in one call");
}

}  // namespace
}  // namespace attentiond
