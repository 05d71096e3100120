// tests/server/grpc/attention_service_attend_test.cc -- Attend over gRPC: results, options, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/tensor/half.h"
#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

template <typename T>
v1::Tensor MakeTensor(v1::DataType dtype, const std::vector<int64_t>& shape,
                      const std::vector<T>& values) {
  v1::Tensor tensor;
  tensor.set_dtype(dtype);
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  tensor.mutable_data()->resize(values.size() * sizeof(T));
  std::memcpy(tensor.mutable_data()->data(), values.data(), tensor.data().size());
  return tensor;
}

v1::Tensor Floats(const std::vector<int64_t>& shape, const std::vector<float>& values) {
  return MakeTensor(v1::DATA_TYPE_FP32, shape, values);
}

std::vector<float> ToFloats(const v1::Tensor& tensor) {
  std::vector<float> values(tensor.data().size() / sizeof(float));
  std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
  return values;
}

std::vector<int64_t> ShapeOf(const v1::Tensor& tensor) {
  return {tensor.shape().begin(), tensor.shape().end()};
}

// Scores of one query are a handful of exponentials and sums, each rounded to 2^-24.
auto Near(const std::vector<float>& expected) {
  return Pointwise(::testing::FloatNear(1e-6f), expected);
}

/// Two queries that equal the two keys: the score of query i and key j is 1 where i == j, else 0.
v1::AttendRequest Identity() {
  v1::AttendRequest request;
  *request.mutable_query() = Floats({1, 1, 2, 2}, {1, 0, 0, 1});
  *request.mutable_key() = Floats({1, 1, 2, 2}, {1, 0, 0, 1});
  *request.mutable_value() = Floats({1, 1, 2, 1}, {10, 20});
  request.set_scale(1.0);
  return request;
}

class AttendTest : public ::testing::Test {
 protected:
  grpc::Status Attend(const v1::AttendRequest& request, v1::AttendResponse* response) {
    grpc::ClientContext context;
    return server_.stub().Attend(&context, request, response);
  }
  v1::AttendResponse Good(const v1::AttendRequest& request) {
    v1::AttendResponse response;
    const grpc::Status status = Attend(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  AttentionTestServer server_;
};

// softmax of (1, 0): what a query gives to its own key, and to the other.
const float kOwn = 1 / (1 + std::exp(-1.0f));
const float kOther = 1 - kOwn;

TEST_F(AttendTest, AnswersWithTheOutputAlone) {
  const v1::AttendResponse response = Good(Identity());
  EXPECT_EQ(response.output().dtype(), v1::DATA_TYPE_FP32);
  EXPECT_THAT(ShapeOf(response.output()), ElementsAre(1, 1, 2, 1));
  EXPECT_THAT(
      ToFloats(response.output()),
      Pointwise(::testing::FloatNear(1e-5f), {kOwn * 10 + kOther * 20, kOther * 10 + kOwn * 20}));
  EXPECT_FALSE(response.has_weights());
  EXPECT_FALSE(response.has_lse());
  EXPECT_EQ(response.input_tokens(), 2);
  EXPECT_TRUE(response.has_timing());
}

TEST_F(AttendTest, AnswersWithWeightsAndLseWhenAsked) {
  v1::AttendRequest request = Identity();
  request.set_return_weights(true);
  request.set_return_lse(true);
  const v1::AttendResponse response = Good(request);
  EXPECT_THAT(ShapeOf(response.weights()), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(ToFloats(response.weights()), Near({kOwn, kOther, kOther, kOwn}));
  EXPECT_THAT(ShapeOf(response.lse()), ElementsAre(1, 1, 2));
  const float lse = std::log(std::exp(1.0f) + 1);
  EXPECT_THAT(ToFloats(response.lse()), Near({lse, lse}));
}

TEST_F(AttendTest, AppliesEveryOption) {
  struct Case {
    const char* name;
    std::function<void(v1::AttendRequest*)> set;
    std::vector<float> weights;
  };
  const float sigmoid_2 = 1 / (1 + std::exp(-2.0f));
  const float root = 1 / (1 + std::exp(-1 / std::sqrt(2.0f)));
  const float capped = 1 / (1 + std::exp(-0.5f * std::tanh(2.0f)));
  const Case cases[] = {
      {"causal", [](v1::AttendRequest* r) { r->set_causal(true); }, {1, 0, kOther, kOwn}},
      {"window", [](v1::AttendRequest* r) { r->set_window(1); }, {kOwn, kOther, 0, 1}},
      {"lengths", [](v1::AttendRequest* r) { r->add_kv_lengths(1); }, {1, 0, 1, 0}},
      {"scale",
       [](v1::AttendRequest* r) { r->set_scale(2); },
       {sigmoid_2, 1 - sigmoid_2, 1 - sigmoid_2, sigmoid_2}},
      {"default scale",
       [](v1::AttendRequest* r) { r->clear_scale(); },
       {root, 1 - root, 1 - root, root}},
      {"softcap",
       [](v1::AttendRequest* r) { r->set_softcap(0.5); },
       {capped, 1 - capped, 1 - capped, capped}},
      {"mask",
       [](v1::AttendRequest* r) {
         *r->mutable_mask() = MakeTensor<uint8_t>(v1::DATA_TYPE_BOOL, {1, 1, 2, 2}, {0, 1, 1, 1});
       },
       {0, 1, kOther, kOwn}},
      {"bias, broadcast over queries",
       [](v1::AttendRequest* r) {
         *r->mutable_bias() = Floats({1, 1, 1, 2}, {0, 1});
       },
       {0.5, 0.5, 1 - sigmoid_2, sigmoid_2}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    v1::AttendRequest request = Identity();
    request.set_return_weights(true);
    c.set(&request);
    EXPECT_THAT(ToFloats(Good(request).weights()), Near(c.weights));
  }
}

TEST_F(AttendTest, AQueryThatSeesNothingGetsZeros) {
  v1::AttendRequest request = Identity();
  request.add_kv_lengths(0);
  request.set_return_weights(true);
  request.set_return_lse(true);
  const v1::AttendResponse response = Good(request);
  EXPECT_THAT(ToFloats(response.output()), ElementsAre(0, 0));
  EXPECT_THAT(ToFloats(response.weights()), ElementsAre(0, 0, 0, 0));
  const float minus_infinity = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(ToFloats(response.lse()), ElementsAre(minus_infinity, minus_infinity));
}

TEST_F(AttendTest, SharesKeyHeadsBetweenQueryHeads) {
  v1::AttendRequest request;
  *request.mutable_query() = Floats({2, 4, 1, 1}, std::vector<float>(8, 1));
  *request.mutable_key() = Floats({2, 2, 1, 1}, std::vector<float>(4, 1));
  *request.mutable_value() = Floats({2, 2, 1, 1}, {1, 2, 3, 4});
  const v1::AttendResponse response = Good(request);
  EXPECT_THAT(ShapeOf(response.output()), ElementsAre(2, 4, 1, 1));
  EXPECT_THAT(ToFloats(response.output()), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
}

TEST_F(AttendTest, ComputesHalfPrecision) {
  const uint16_t one_bf16 = ToBFloat16(1).bits, three_bf16 = ToBFloat16(3).bits;
  const uint16_t one_f16 = ToFloat16(1).bits, three_f16 = ToFloat16(3).bits;
  struct Case {
    v1::DataType dtype;
    uint16_t one, three;
  };
  for (const Case& c : {Case{v1::DATA_TYPE_BF16, one_bf16, three_bf16},
                        Case{v1::DATA_TYPE_FP16, one_f16, three_f16}}) {
    v1::AttendRequest request;
    *request.mutable_query() = MakeTensor<uint16_t>(c.dtype, {1, 1, 1, 1}, {c.one});
    *request.mutable_key() = MakeTensor<uint16_t>(c.dtype, {1, 1, 2, 1}, {c.one, c.one});
    *request.mutable_value() = MakeTensor<uint16_t>(c.dtype, {1, 1, 2, 1}, {c.three, c.three});
    const v1::AttendResponse response = Good(request);
    EXPECT_EQ(response.output().dtype(), c.dtype);
    // (1/2 + 1/2) * 3: exact.
    EXPECT_EQ(response.output().data(), request.value().data().substr(0, 2));
  }
}

TEST_F(AttendTest, CarriesTensorsOfManyMegabytes) {
  constexpr int64_t kTokens = 1 << 14, kDim = 128;  // 8 MiB each
  v1::AttendRequest request;
  *request.mutable_query() = Floats({1, 1, 1, kDim}, std::vector<float>(kDim, 0.5f));
  *request.mutable_key() = Floats({1, 1, kTokens, kDim}, std::vector<float>(kTokens * kDim, 0.25f));
  *request.mutable_value() =
      Floats({1, 1, kTokens, kDim}, std::vector<float>(kTokens * kDim, 2.0f));
  const v1::AttendResponse response = Good(request);
  // The mean of equal values, of 2^14 weights of about 2^-14 each.
  EXPECT_THAT(ToFloats(response.output()),
              Pointwise(::testing::FloatNear(1e-3f), std::vector<float>(kDim, 2.0f)));
  EXPECT_EQ(response.input_tokens(), kTokens);
}

struct BadAttend {
  const char* name;
  std::function<void(v1::AttendRequest*)> breaks;
  const char* field;
  const char* message;
};

class BadAttendTest : public AttendTest, public ::testing::WithParamInterface<BadAttend> {};

TEST_P(BadAttendTest, IsAnInvalidArgumentThatNamesTheField) {
  v1::AttendRequest request = Identity();
  GetParam().breaks(&request);
  v1::AttendResponse response;
  const grpc::Status status = Attend(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(BadField(status), GetParam().field);
  EXPECT_THAT(status.error_message(), HasSubstr(GetParam().message));
  Good(Identity());
}

const BadAttend kBadRequests[] = {
    {"NoQuery", [](v1::AttendRequest* r) { r->clear_query(); }, "query",
     "query: missing, required"},
    {"NoKey", [](v1::AttendRequest* r) { r->clear_key(); }, "key", "key: missing, required"},
    {"NoValue", [](v1::AttendRequest* r) { r->clear_value(); }, "value",
     "value: missing, required"},
    {"NoType", [](v1::AttendRequest* r) { r->mutable_key()->set_dtype(v1::DATA_TYPE_UNSPECIFIED); },
     "key.dtype", "key.dtype: DATA_TYPE_UNSPECIFIED, required a value of DataType"},
    {"UnknownType",
     [](v1::AttendRequest* r) { r->mutable_key()->set_dtype(static_cast<v1::DataType>(99)); },
     "key.dtype", "key.dtype: 99, required a value of DataType"},
    {"OtherType",
     [](v1::AttendRequest* r) {
       *r->mutable_value() = MakeTensor<int32_t>(v1::DATA_TYPE_INT32, {1, 1, 2, 1}, {1, 2});
     },
     "value", "value: type INT32, required FP32 as in query"},
    {"NegativeDimension", [](v1::AttendRequest* r) { r->mutable_query()->set_shape(2, -2); },
     "query.shape", "[1, 1, -2, 2] has a negative dimension"},
    {"OverflowingShape",
     [](v1::AttendRequest* r) { r->mutable_query()->set_shape(2, int64_t{1} << 62); },
     "query.shape", "too many elements"},
    {"TooManyDimensions",
     [](v1::AttendRequest* r) {
       for (int i = 0; i < 100; ++i) r->mutable_query()->add_shape(1);
     },
     "query.shape", "104 dimensions, at most 8"},
    {"ThreeDimensions",
     [](v1::AttendRequest* r) {
       *r->mutable_query() = Floats({1, 2, 2}, {1, 0, 0, 1});
     },
     "query", "query: shape [1, 2, 2], required four dimensions"},
    {"TooFewBytes", [](v1::AttendRequest* r) { r->mutable_query()->mutable_data()->resize(15); },
     "query.data", "query.data: 15 bytes, required 16 for FP32 [1, 1, 2, 2]"},
    {"TooManyBytes",
     [](v1::AttendRequest* r) { r->mutable_value()->mutable_data()->push_back('x'); }, "value.data",
     "value.data: 9 bytes, required 8 for FP32 [1, 1, 2, 1]"},
    {"ShapesDoNotMatch",
     [](v1::AttendRequest* r) {
       *r->mutable_value() = Floats({1, 1, 3, 1}, {1, 2, 3});
     },
     "value", "value: shape [1, 1, 3, 1] has length 3, required 2 as in key"},
    {"MaskOfNumbers",
     [](v1::AttendRequest* r) {
       *r->mutable_mask() = MakeTensor<uint8_t>(v1::DATA_TYPE_BOOL, {1, 1, 1, 2}, {1, 7});
     },
     "mask", "mask: element 1 is 7, required 0 or 1"},
    {"BiasShape",
     [](v1::AttendRequest* r) {
       *r->mutable_bias() = Floats({1, 1, 1, 3}, {1, 2, 3});
     },
     "bias", "bias: shape [1, 1, 1, 3], required four dimensions, each 1 or that of [1, 1, 2, 2]"},
    {"TooManyLengths",
     [](v1::AttendRequest* r) {
       r->add_kv_lengths(1);
       r->add_kv_lengths(1);
     },
     "kv_lengths", "kv_lengths: shape [2], required [1] [batch]"},
    {"LengthOutOfRange", [](v1::AttendRequest* r) { r->add_kv_lengths(3); }, "kv_lengths",
     "kv_lengths: element 0 is 3, required 0 to the key length 2"},
    {"Scale", [](v1::AttendRequest* r) { r->set_scale(std::numeric_limits<double>::infinity()); },
     "scale", "scale: inf, required finite"},
    {"Window", [](v1::AttendRequest* r) { r->set_window(0); }, "window",
     "window: 0, required at least 1"},
    {"Softcap", [](v1::AttendRequest* r) { r->set_softcap(-1); }, "softcap",
     "softcap: -1, required above 0"},
};
INSTANTIATE_TEST_SUITE_P(Attend, BadAttendTest, ::testing::ValuesIn(kBadRequests),
                         [](const auto& param) { return param.param.name; });

TEST(AttendLimitsTest, RefusesOutputsThatDoNotFitAMessage) {
  AttentionTestServer::Options options;
  options.limits.max_message_bytes = 128;
  AttentionTestServer server(options);
  v1::AttendRequest request = Identity();
  v1::AttendResponse response;
  {
    grpc::ClientContext context;
    const grpc::Status status = server.stub().Attend(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  // 4 * 16 weights, 4 outputs.
  *request.mutable_query() = Floats({1, 1, 4, 1}, {1, 2, 3, 4});
  *request.mutable_key() = Floats({1, 1, 16, 1}, std::vector<float>(16));
  *request.mutable_value() = Floats({1, 1, 16, 1}, std::vector<float>(16));
  request.set_return_weights(true);
  grpc::ClientContext context;
  const grpc::Status status = server.stub().Attend(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              HasSubstr("the outputs would take 272 bytes, the limit is 128"));
}

TEST(AttendLimitsTest, RefusesMoreWorkThanTheLimit) {
  AttentionTestServer::Options options;
  options.limits.max_attention_flop = 23;  // 2 * 2 queries * 2 keys * (2 + 1) channels are 24
  AttentionTestServer server(options);
  v1::AttendResponse response;
  grpc::ClientContext context;
  const grpc::Status status = server.stub().Attend(&context, Identity(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("24 floating point operations, the limit is 23"));
}

TEST(AttendLimitsTest, OutputsCountAgainstTheMemoryInFlight) {
  AttentionTestServer::Options options;
  options.gate.max_bytes = static_cast<int64_t>(Identity().ByteSizeLong()) + 7;  // outputs: 8
  AttentionTestServer server(options);
  v1::AttendResponse response;
  grpc::ClientContext context;
  const grpc::Status status = server.stub().Attend(&context, Identity(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status).has_retry_delay());
}

}  // namespace
}  // namespace attentiond::testing
