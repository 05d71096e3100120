#include "client/commands/attend_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "client/tensor_conversion.h"
#include "core/tensor/half.h"

namespace attentiond::client {
namespace {

Tensor Filled(const Shape& shape, float value) {
  Tensor tensor(DType::kF32, shape);
  for (float& element : tensor.values<float>()) element = value;
  return tensor;
}

// Two heads of queries over one of keys; every score is equal, so the output is the mean of the
// visible values 1, 2, 3.
AttendInputs Inputs() {
  AttendInputs inputs;
  inputs.query = Filled(Shape({1, 2, 2, 4}), 0.5f);
  inputs.key = Filled(Shape({1, 1, 3, 4}), 0.5f);
  inputs.value = Filled(Shape({1, 1, 3, 1}), 0);
  for (size_t i = 0; i < 3; ++i) inputs.value.values<float>()[i] = static_cast<float>(i + 1);
  return inputs;
}

v1::AttendResponse Reply(const std::vector<float>& output) {
  Tensor tensor(DType::kF32, Shape({1, 2, 2, 1}));
  for (size_t i = 0; i < 4; ++i) tensor.values<float>()[i] = output[i];
  v1::AttendResponse response;
  *response.mutable_output() = *ToProto(tensor.view());
  return response;
}

void ExpectAgrees(const AttendInputs& inputs, const std::vector<float>& output) {
  const auto check = CheckReply(inputs, Reply(output));
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->agrees()) << check->largest_difference << " > " << check->bound;
  EXPECT_LT(check->bound, 1e-4);
  std::vector<float> wrong = output;
  wrong[3] += 1e-3f;
  EXPECT_FALSE(CheckReply(inputs, Reply(wrong))->agrees());
}

TEST(CheckReplyTest, EveryOptionTakesPart) {
  ExpectAgrees(Inputs(), {2, 2, 2, 2});

  AttendInputs causal = Inputs();
  causal.causal = true;  // the first query sees two keys
  ExpectAgrees(causal, {1.5f, 2, 1.5f, 2});

  AttendInputs window = Inputs();
  window.causal = true;
  window.window = 1;
  ExpectAgrees(window, {2, 3, 2, 3});

  AttendInputs lengths = Inputs();
  lengths.kv_lengths = {1};
  ExpectAgrees(lengths, {1, 1, 1, 1});

  AttendInputs masked = Inputs();
  masked.mask = Tensor(DType::kBool, Shape({1, 1, 1, 3}));
  masked.mask->values<bool>()[0] = false;
  masked.mask->values<bool>()[1] = true;
  masked.mask->values<bool>()[2] = true;
  ExpectAgrees(masked, {2.5f, 2.5f, 2.5f, 2.5f});

  AttendInputs biased = Inputs();  // e^ln 2: the last key counts twice
  biased.bias = Filled(Shape({1, 1, 1, 3}), 0);
  biased.bias->values<float>()[2] = std::log(2.0f);
  ExpectAgrees(biased, {2.25f, 2.25f, 2.25f, 2.25f});

  AttendInputs scaled = Inputs();  // the third key's score becomes ln 3 above the others
  scaled.scale = std::log(3.0);
  for (size_t d = 0; d < 4; ++d) scaled.key.values<float>()[8 + d] = 1.0f;
  ExpectAgrees(scaled, {2.4f, 2.4f, 2.4f, 2.4f});
}

TEST(CheckReplyTest, NotANumberDisagrees) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(CheckReply(Inputs(), Reply({nan, 2, 2, 2}))->agrees());
}

TEST(CheckReplyTest, HalvesMayBeOffByTheirRounding) {
  AttendInputs inputs = Inputs();
  inputs.query = *ToFloating(inputs.query.view(), DType::kBF16);
  inputs.key = *ToFloating(inputs.key.view(), DType::kBF16);
  inputs.value = *ToFloating(inputs.value.view(), DType::kBF16);
  Tensor output(DType::kBF16, Shape({1, 2, 2, 1}));
  for (BFloat16& value : output.values<BFloat16>()) value = ToBFloat16(2.015625f);  // next after 2
  v1::AttendResponse response;
  *response.mutable_output() = *ToProto(output.view());
  EXPECT_TRUE(CheckReply(inputs, response)->agrees());
  for (BFloat16& value : output.values<BFloat16>()) value = ToBFloat16(2.25f);
  *response.mutable_output() = *ToProto(output.view());
  EXPECT_FALSE(CheckReply(inputs, response)->agrees());
}

TEST(CheckReplyTest, ShapesThatDoNotFitAreRefused) {
  const v1::AttendResponse good = Reply({2, 2, 2, 2});
  const auto refused = [&](const std::function<void(AttendInputs*)>& change) {
    AttendInputs inputs = Inputs();
    change(&inputs);
    return absl::IsInvalidArgument(CheckReply(inputs, good).status());
  };
  EXPECT_FALSE(refused([](AttendInputs*) {}));
  EXPECT_TRUE(refused([](AttendInputs* in) { in->query = Filled(Shape({2, 4}), 0); }));
  EXPECT_TRUE(refused([](AttendInputs* in) { in->key = Filled(Shape({1, 1, 3, 5}), 0); }));
  EXPECT_TRUE(refused([](AttendInputs* in) { in->key = Filled(Shape({1, 0, 3, 4}), 0); }));
  EXPECT_TRUE(refused([](AttendInputs* in) { in->value = Filled(Shape({1, 1, 2, 1}), 0); }));
  EXPECT_TRUE(refused([](AttendInputs* in) {
    in->value = Filled(Shape({1, 1, 3, 2}), 0);
  })) << "the reply has one channel";
  EXPECT_TRUE(refused([](AttendInputs* in) { in->bias = Filled(Shape({1, 1, 1, 2}), 0); }));
  EXPECT_TRUE(refused([](AttendInputs* in) { in->kv_lengths = {1, 2}; }));
}

TEST(CheckReplyTest, LargeOnesAreNotRepeated) {
  AttendInputs inputs;
  inputs.query = Filled(Shape({1, 1, 20000, 1}), 0);
  inputs.key = Filled(Shape({1, 1, 20000, 1}), 0);
  inputs.value = Filled(Shape({1, 1, 20000, 1}), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckReply(inputs, v1::AttendResponse()).status()));
}

}  // namespace
}  // namespace attentiond::client
