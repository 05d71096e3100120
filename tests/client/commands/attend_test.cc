#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "client/file.h"
#include "client/npy.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

class AttendTest : public testing::Test {
 protected:
  ProgramRun Run(const std::vector<std::string>& arguments) {
    return RunWith(server_.address(), arguments);
  }
  // A file of f32, or of f64, that counts up in steps of 0.1.
  static std::string Save(const std::string& name, const Shape& shape, DType dtype = DType::kF32) {
    const std::string path = testing::TempDir() + "/attend_test_" + name + ".npy";
    Tensor tensor(dtype, shape);
    for (int64_t i = 0; i < shape.num_elements(); ++i) {
      const double value = 0.1 * static_cast<double>(i);
      if (dtype == DType::kF32)
        tensor.values<float>()[static_cast<size_t>(i)] = static_cast<float>(value);
      if (dtype == DType::kF64) tensor.values<double>()[static_cast<size_t>(i)] = value;
      if (dtype == DType::kBool) tensor.values<bool>()[static_cast<size_t>(i)] = true;
    }
    EXPECT_TRUE(WriteNpy(path, tensor.view()).ok());
    return path;
  }
  FakeServer server_;
};

TEST_F(AttendTest, TheExampleIsChecked) {
  const ProgramRun run = Run({"attend", "--example"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(absl::StrContains(run.out, "they agree")) << run.out;
  // "cat" scores sqrt-scaled 3, 0, 2: exp(3) / (exp(3) + 1 + exp(2)) = 71 %.
  EXPECT_TRUE(absl::StrContains(run.out, "71*")) << run.out;

  server_.SetAttendError(1e-4f);
  const ProgramRun wrong = Run({"attend", "--example"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(wrong.out, "DISAGREE")) << wrong.out;
  EXPECT_TRUE(absl::StrContains(wrong.err, "is not softmax")) << wrong.err;
}

TEST_F(AttendTest, ReadsFilesAndPrints) {
  const std::string q = Save("q", Shape({2, 4})), k = Save("k", Shape({3, 4})),
                    v = Save("v", Shape({3, 2}), DType::kF64);
  const ProgramRun run =
      Run({"attend", "-q", q, "-k", k, "-v", v, "--weights", "--lse", "--check"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(absl::StrContains(run.out, "output [1, 1, 2, 2]\n")) << run.out;
  EXPECT_TRUE(absl::StrContains(run.out, "weights [1, 1, 2, 3]\n")) << run.out;
  EXPECT_TRUE(absl::StrContains(run.out, "lse [1, 1, 2]\n")) << run.out;
  EXPECT_TRUE(absl::StrContains(run.err, "checked: the largest difference")) << run.err;
  server_.SetAttendError(1e-3f);
  EXPECT_EQ(Run({"attend", "-q", q, "-k", k, "-v", v, "--check"}).exit_code, 1);
}

TEST_F(AttendTest, WritesFilesAndJson) {
  const std::string x = Save("x", Shape({1, 2, 3, 4}));
  const std::string path = testing::TempDir() + "/attend_test_out.npy";
  const ProgramRun run =
      Run({"attend", "-q", x, "-k", x, "-v", x, "--output", path, "--weights", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto output = ReadNpy(path);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->shape(), Shape({1, 2, 3, 4}));
  const nlohmann::json json = nlohmann::json::parse(run.out);
  EXPECT_FALSE(json.contains("output")) << "it went to the file";
  ASSERT_EQ(json["weights"].size(), 1u);
  ASSERT_EQ(json["weights"][0].size(), 2u);
  ASSERT_EQ(json["weights"][0][1].size(), 3u);
  double sum = 0;
  for (const double weight : json["weights"][0][1][2]) sum += weight;
  // Three probabilities of at most 2^-24 rounding error each, and their sum's.
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST_F(AttendTest, TakesTensorsOfASafetensorsFile) {
  const std::string input = ATTENTIOND_SOURCE_DIR "/tests/golden/sdpa/expected.safetensors";
  const ProgramRun missing = Run({"attend", "--input", input});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(missing.err, "has no tensor \"query\"; there are: "))
      << missing.err;
  const ProgramRun run =
      Run({"attend", "-q", input + ":0.q", "-k", input + ":0.k", "-v", input + ":0.v", "--check"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(AttendTest, NamesTheFileThatIsWrong) {
  const std::string good = Save("good", Shape({2, 4})), flat = Save("flat", Shape({4})),
                    mask = Save("mask", Shape({1, 2}), DType::kBool);
  const auto message = [&](const std::string& query) {
    return Run({"attend", "-q", query, "-k", good, "-v", good}).err;
  };
  EXPECT_TRUE(absl::StrContains(message(flat), flat + ": has the shape [4]")) << message(flat);
  EXPECT_TRUE(absl::StrContains(message(mask), mask + ": ")) << message(mask);
  EXPECT_TRUE(absl::StrContains(message("q.txt"), "q.txt: required a file that ends"));
  EXPECT_TRUE(absl::StrContains(message("/nonexistent.npy"), "/nonexistent.npy: No such file"));
  const ProgramRun run = Run({"attend", "-q", good, "-k", good, "-v", good, "--mask", good});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(run.err, "a mask of f32, required bool")) << run.err;
}

}  // namespace
}  // namespace attentiond::client
