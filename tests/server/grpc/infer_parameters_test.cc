// Parameters by type, and the unknown ones.
#include "server/grpc/infer_parameters.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

#include "tests/testing/field_error_matcher.h"

namespace attentiond {
namespace {

using testing::IsFieldError;
using testing::Words;

class InferParametersTest : public ::testing::Test {
 protected:
  inference::InferParameter& Set(const std::string& name) {
    return (*request_.mutable_parameters())[name];
  }
  InferParameters Reader() { return InferParameters(request_.parameters()); }

  inference::ModelInferRequest request_;
};

TEST_F(InferParametersTest, AbsentLeavesTheValueAlone) {
  InferParameters reader = Reader();
  bool flag = true;
  std::optional<double> scale;
  EXPECT_TRUE(reader.Read("causal", &flag).ok());
  EXPECT_TRUE(reader.Read("scale", &scale).ok());
  EXPECT_TRUE(flag);
  EXPECT_FALSE(scale.has_value());
  EXPECT_TRUE(reader.CheckAllKnown().ok());
}

TEST_F(InferParametersTest, EachType) {
  Set("causal").set_bool_param(true);
  Set("window").set_int64_param(-3);
  Set("priority").set_uint64_param(7);
  Set("scale").set_double_param(0.5);
  Set("softcap").set_int64_param(30);
  Set("pooling").set_string_param("cls");
  InferParameters reader = Reader();
  bool causal = false;
  int64_t window = 0, priority = 0;
  double scale = 0, softcap = 0;
  std::optional<std::string> pooling;
  EXPECT_TRUE(reader.Read("causal", &causal).ok());
  EXPECT_TRUE(reader.Read("window", &window).ok());
  EXPECT_TRUE(reader.Read("priority", &priority).ok());
  EXPECT_TRUE(reader.Read("scale", &scale).ok());
  EXPECT_TRUE(reader.Read("softcap", &softcap).ok());
  EXPECT_TRUE(reader.Read("pooling", &pooling).ok());
  EXPECT_TRUE(causal);
  EXPECT_EQ(window, -3);
  EXPECT_EQ(priority, 7);
  EXPECT_EQ(scale, 0.5);
  EXPECT_EQ(softcap, 30);
  EXPECT_EQ(pooling, "cls");
  EXPECT_TRUE(reader.CheckAllKnown().ok());
}

TEST_F(InferParametersTest, SidesOfTruncationAreWords) {
  Set("left").set_string_param("left");
  Set("right").set_string_param("right");
  Set("middle").set_string_param("middle");
  InferParameters reader = Reader();
  TruncationSide side = TruncationSide::kRight;
  EXPECT_TRUE(reader.Read("left", &side).ok());
  EXPECT_EQ(side, TruncationSide::kLeft);
  EXPECT_TRUE(reader.Read("absent", &side).ok());
  EXPECT_EQ(side, TruncationSide::kLeft);
  EXPECT_TRUE(reader.Read("right", &side).ok());
  EXPECT_EQ(side, TruncationSide::kRight);
  EXPECT_THAT(reader.Read("middle", &side),
              IsFieldError("parameters.middle", Words{"\"middle\"", "left"}));
}

TEST_F(InferParametersTest, WrongTypesNameBoth) {
  Set("p").set_string_param("true");
  Set("empty");
  InferParameters reader = Reader();
  bool flag = false;
  int64_t number = 0;
  double real = 0;
  EXPECT_THAT(reader.Read("p", &flag),
              IsFieldError("parameters.p", Words{"string_param", "bool_param"}));
  EXPECT_THAT(reader.Read("p", &number),
              IsFieldError("parameters.p", Words{"string_param", "int64_param"}));
  EXPECT_THAT(reader.Read("p", &real),
              IsFieldError("parameters.p", Words{"string_param", "double_param"}));
  EXPECT_THAT(reader.Read("empty", &flag),
              IsFieldError("parameters.empty", Words{"no value", "bool_param"}));
}

TEST_F(InferParametersTest, UnsignedNumbersThatDoNotFit) {
  Set("timeout").set_uint64_param(std::numeric_limits<uint64_t>::max());
  int64_t timeout = 0;
  EXPECT_THAT(Reader().Read("timeout", &timeout),
              IsFieldError("parameters.timeout", Words{"18446744073709551615"}));
}

TEST_F(InferParametersTest, UnknownOnesAreNamedInOrder) {
  Set("zeta").set_bool_param(true);
  Set("speed").set_int64_param(1);
  Set("triton_enable_empty_final_response").set_bool_param(true);
  Set("causal").set_bool_param(true);
  InferParameters reader = Reader();
  bool causal = false;
  EXPECT_TRUE(reader.Read("causal", &causal).ok());
  EXPECT_THAT(reader.CheckAllKnown(), IsFieldError("parameters", Words{"\"speed\"", "causal"}));
}

}  // namespace
}  // namespace attentiond
