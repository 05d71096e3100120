// Golden attention through ModelInfer over a real server, raw and typed.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/tensor/half.h"
#include "core/weights/json_file.h"
#include "core/weights/safetensors.h"
#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

constexpr char kDirectory[] = ATTENTIOND_SOURCE_DIR "/tests/golden/sdpa";

/// The elements of a golden tensor; the file aligns them to nothing.
template <typename T>
std::vector<T> Copy(const TensorView& tensor) {
  std::vector<T> values(static_cast<size_t>(tensor.num_elements()));
  std::memcpy(values.data(), tensor.data, tensor.num_bytes());
  return values;
}

Shape64 Dims(const TensorView& tensor) {
  return {tensor.shape.dims().begin(), tensor.shape.dims().end()};
}

// |actual - expected| <= tolerance * (1 + |expected|): the golden data's own statement of what
// float32 arithmetic loses against the double-precision sums that made it.
void ExpectClose(const std::vector<float>& actual, const TensorView& tensor, double tolerance,
                 const std::string& what) {
  const std::vector<float> expected = Copy<float>(tensor);
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isinf(expected[i])) {
      EXPECT_EQ(actual[i], expected[i]) << what << " at " << i;
      continue;
    }
    ASSERT_LE(std::abs(actual[i] - expected[i]), tolerance * (1 + std::abs(expected[i])))
        << what << " at " << i << ": " << actual[i] << ", expected " << expected[i];
  }
}

class KserveGoldenTest : public ::testing::Test {
 protected:
  KserveGoldenTest() {
    auto description = ReadJsonFile(std::string(kDirectory) + "/cases.json");
    auto arrays = SafetensorsFile::Open(std::string(kDirectory) + "/expected.safetensors");
    EXPECT_TRUE(description.ok()) << description.status();
    EXPECT_TRUE(arrays.ok()) << arrays.status();
    description_ = *std::move(description);
    arrays_ = *std::move(arrays);
  }

  /// nullptr: the case has none.
  const TensorView* Array(const nlohmann::json& golden_case, const std::string& what) const {
    const auto found =
        arrays_->tensors().find(golden_case.at("name").get<std::string>() + "." + what);
    return found == arrays_->tensors().end() ? nullptr : &found->second;
  }

  void AddFloats(inference::ModelInferRequest* request, const std::string& name,
                 const TensorView* tensor, bool raw) const {
    if (tensor == nullptr) return;
    if (raw) {
      AddRaw(request, name, "FP32", Dims(*tensor), Copy<float>(*tensor));
    } else {
      AddTypedFloats(request, name, Dims(*tensor), Copy<float>(*tensor));
    }
  }

  inference::ModelInferRequest Request(const nlohmann::json& golden_case, bool raw) const {
    inference::ModelInferRequest request;
    request.set_model_name("attention");
    AddFloats(&request, "query", Array(golden_case, "q"), raw);
    AddFloats(&request, "key", Array(golden_case, "k"), raw);
    AddFloats(&request, "value", Array(golden_case, "v"), raw);
    AddFloats(&request, "bias", Array(golden_case, "bias"), raw);
    if (const TensorView* const mask = Array(golden_case, "mask"); mask != nullptr) {
      const auto values = Copy<uint8_t>(*mask);
      auto* const input = AddInput(&request, "mask", "BOOL", Dims(*mask));
      if (raw) {
        request.add_raw_input_contents(values.data(), values.size());
      } else {
        input->mutable_contents()->mutable_bool_contents()->Add(values.begin(), values.end());
      }
    }
    if (golden_case.contains("kv_lengths") && !golden_case["kv_lengths"].is_null()) {
      const auto lengths = golden_case["kv_lengths"].get<std::vector<int64_t>>();
      auto* const input =
          AddInput(&request, "kv_lengths", "INT64", {static_cast<int64_t>(lengths.size())});
      if (raw) {
        request.add_raw_input_contents(lengths.data(), lengths.size() * sizeof(int64_t));
      } else {
        input->mutable_contents()->mutable_int64_contents()->Add(lengths.begin(), lengths.end());
      }
    }
    auto& parameters = *request.mutable_parameters();
    if (golden_case.value("causal", false)) parameters["causal"].set_bool_param(true);
    if (golden_case.contains("window")) {
      parameters["window"].set_int64_param(golden_case["window"].get<int64_t>());
    }
    for (const char* number : {"scale", "softcap"}) {
      if (!golden_case.contains(number)) continue;
      parameters[number].set_double_param(golden_case[number].get<double>());
    }
    return request;
  }

  nlohmann::json description_;
  std::unique_ptr<SafetensorsFile> arrays_;
  KserveTestServer server_;
};

TEST_F(KserveGoldenTest, EveryCaseRawAndTyped) {
  const double tolerance = description_.at("tolerance_f32").get<double>();
  for (const auto& golden_case : description_.at("cases")) {
    for (const bool raw : {true, false}) {
      inference::ModelInferRequest request = Request(golden_case, raw);
      const TensorView* const weights = Array(golden_case, "weights");
      WantOutputs(&request, {"output", "lse"});
      if (weights != nullptr) WantOutputs(&request, {"weights"});
      const inference::ModelInferResponse response = server_.MustInfer(request);
      const std::string what = "case " + golden_case.dump() + (raw ? " raw " : " typed ");
      EXPECT_EQ(OutputShape(response, "output"), Dims(*Array(golden_case, "out")));
      ExpectClose(OutputValues<float>(response, "output"), *Array(golden_case, "out"), tolerance,
                  what + "output");
      ExpectClose(OutputValues<float>(response, "lse"), *Array(golden_case, "lse"), tolerance,
                  what + "lse");
      if (weights == nullptr) continue;
      ExpectClose(OutputValues<float>(response, "weights"), *weights, tolerance, what + "weights");
    }
  }
}

TEST_F(KserveGoldenTest, SixteenBitTypes) {
  const double tolerance = description_.at("tolerance_bf16").get<double>();
  for (const auto& golden_case : description_.at("cases")) {
    // Scores of hundreds: rounding the inputs to 16 bits moves the softmax itself.
    if (golden_case.contains("gain")) continue;
    for (const std::string datatype : {"BF16", "FP16"}) {
      const auto to_bits = [&datatype](float value) {
        return datatype == "BF16" ? ToBFloat16(value).bits : ToFloat16(value).bits;
      };
      const auto from_bits = [&datatype](uint16_t bits) {
        return datatype == "BF16" ? ToFloat(BFloat16{bits}) : ToFloat(Float16{bits});
      };
      inference::ModelInferRequest request = Request(golden_case, /*raw=*/true);
      for (const int operand : {0, 1, 2}) {
        const TensorView* const array = Array(golden_case, operand == 0   ? "q"
                                                           : operand == 1 ? "k"
                                                                          : "v");
        std::vector<uint16_t> values;
        for (const float value : Copy<float>(*array)) values.push_back(to_bits(value));
        request.mutable_inputs(operand)->set_datatype(datatype);
        request.mutable_raw_input_contents(operand)->assign(
            reinterpret_cast<const char*>(values.data()), values.size() * sizeof(uint16_t));
      }
      const inference::ModelInferResponse response = server_.MustInfer(request);
      ASSERT_EQ(response.outputs_size(), 1);
      EXPECT_EQ(response.outputs(0).datatype(), datatype);
      std::vector<float> output;
      for (const uint16_t bits : OutputValues<uint16_t>(response, "output")) {
        output.push_back(from_bits(bits));
      }
      ExpectClose(output, *Array(golden_case, "out"), tolerance, golden_case.dump() + datatype);
    }
  }
}

}  // namespace
}  // namespace attentiond::testing
