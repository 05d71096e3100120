#include "core/weights/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/testing/safetensors_bytes.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::HeaderLength;
using ::attentiond::testing::SafetensorsBytes;
using ::attentiond::testing::TemporaryDirectory;

std::string Zeros(size_t count) { return std::string(count, '\0'); }

TEST(SafetensorsTest, MapsTensorsOfEveryType) {
  struct Case {
    const char* name;
    DType dtype;
  };
  for (const auto& [name, dtype] :
       {Case{"BOOL", DType::kBool}, Case{"U8", DType::kU8}, Case{"I8", DType::kI8},
        Case{"U16", DType::kU16}, Case{"I16", DType::kI16}, Case{"F16", DType::kF16},
        Case{"BF16", DType::kBF16}, Case{"U32", DType::kU32}, Case{"I32", DType::kI32},
        Case{"F32", DType::kF32}, Case{"U64", DType::kU64}, Case{"I64", DType::kI64},
        Case{"F64", DType::kF64}}) {
    const std::string data = Zeros(6 * ByteSize(dtype));
    const std::string header = std::string(R"({"w":{"dtype":")") + name +
                               R"(","shape":[2,3],"data_offsets":[0,)" +
                               std::to_string(data.size()) + "]}}";
    const auto tensors = SafetensorsFile::ParseHeader(header, data.data(), data.size());
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    EXPECT_EQ(tensors->at("w").dtype, dtype);
    EXPECT_EQ(tensors->at("w").shape, Shape({2, 3}));
    EXPECT_EQ(tensors->at("w").data, data.data());
  }
}

TEST(SafetensorsTest, RoundTripsValuesAtAnyAlignment) {
  const float values[] = {1.5f, -2.0f, 3.25f};
  std::string data = "\x07";  // the floats begin at an odd address
  data.append(reinterpret_cast<const char*>(values), sizeof(values));
  const TemporaryDirectory directory;
  const auto file = SafetensorsFile::Open(directory.Write(
      "w.safetensors",
      SafetensorsBytes(R"({"__metadata__":{"format":"pt"},)"
                       R"("floats":{"dtype":"F32","shape":[3],"data_offsets":[1,13]},)"
                       R"("byte":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                       R"("none":{"dtype":"F32","shape":[0,4],"data_offsets":[1,1]}}   )",
                       data)));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->path(), directory.PathOf("w.safetensors"));
  ASSERT_EQ((*file)->tensors().size(), 3u);
  const TensorView& view = (*file)->tensors().at("floats");
  ASSERT_EQ(view.num_bytes(), sizeof(values));
  EXPECT_EQ(std::memcmp(view.data, values, sizeof(values)), 0);
  EXPECT_EQ((*file)->tensors().at("byte").values<uint8_t>()[0], 7);
  EXPECT_EQ((*file)->tensors().at("none").num_elements(), 0);
}

TEST(SafetensorsTest, AcceptsAFileWithoutTensors) {
  const TemporaryDirectory directory;
  const auto file = SafetensorsFile::Open(directory.Write("w", SafetensorsBytes("{}", "")));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->tensors().empty());
}

TEST(SafetensorsTest, OpensTheGoldenCheckpoints) {
  for (const char* model :
       {"bert-classify", "distilbert-classify", "bert-embed", "mha-0", "mha-1"}) {
    const std::string directory = std::string(ATTENTIOND_SOURCE_DIR) + "/tests/golden/" + model;
    for (const char* name : {"/model.safetensors", "/expected.safetensors"}) {
      const auto file = SafetensorsFile::Open(directory + name);
      ASSERT_TRUE(file.ok()) << file.status();
      EXPECT_FALSE((*file)->tensors().empty());
    }
  }
}

struct BrokenFile {
  const char* name;
  std::string bytes;
  const char* message;
};

class BrokenSafetensorsTest : public ::testing::TestWithParam<BrokenFile> {};

TEST_P(BrokenSafetensorsTest, IsRefusedWithOneLine) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("w.safetensors", GetParam().bytes);
  const auto file = SafetensorsFile::Open(path);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(file.status().message(), path + ": " + GetParam().message);
}

std::string NameOf(const ::testing::TestParamInfo<BrokenFile>& test) { return test.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Length, BrokenSafetensorsTest,
    ::testing::Values(
        BrokenFile{"Empty", "", "has 0 bytes, too short for the 8-byte header length"},
        BrokenFile{"SevenBytes", Zeros(7), "has 7 bytes, too short for the 8-byte header length"},
        BrokenFile{"NoHeader", Zeros(8), "the header does not begin with '{'"},
        BrokenFile{"PastTheEnd", HeaderLength(3) + "{}",
                   "the header length is 3 bytes, but only 2 follow"},
        BrokenFile{"TooLarge", HeaderLength(100'000'001) + "{}",
                   "the header length is 100000001 bytes, at most 100000000 are allowed"},
        BrokenFile{"Largest", HeaderLength(UINT64_MAX) + "{}",
                   "the header length is 18446744073709551615 bytes, at most 100000000 are "
                   "allowed"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Json, BrokenSafetensorsTest,
    ::testing::Values(
        BrokenFile{"Root", SafetensorsBytes("[]", ""), "the header does not begin with '{'"},
        BrokenFile{"LeadingSpace", SafetensorsBytes(" {}", ""),
                   "the header does not begin with '{'"},
        BrokenFile{"Truncated", SafetensorsBytes(R"({"a":)", ""),
                   "the header: not valid JSON at byte 6"},
        BrokenFile{"Deep", SafetensorsBytes(R"({"a":)" + std::string(1000, '['), ""),
                   "the header: JSON is nested deeper than 64 levels"},
        BrokenFile{"DuplicateName",
                   SafetensorsBytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                    R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                                    Zeros(1)),
                   "the header: key \"a\" appears twice in one object"},
        BrokenFile{"TensorNotAnObject", SafetensorsBytes(R"({"a":1})", ""),
                   "tensor \"a\": is not an object"},
        BrokenFile{"NameOnOneLine", SafetensorsBytes(R"({"a\nb":1})", ""),
                   "tensor \"a\\nb\": is not an object"},
        BrokenFile{"MetadataNotAnObject", SafetensorsBytes(R"({"__metadata__":1})", ""),
                   "\"__metadata__\" is not an object"},
        BrokenFile{"MetadataValue", SafetensorsBytes(R"({"__metadata__":{"a":1}})", ""),
                   "\"__metadata__\" has a value that is no string"}),
    NameOf);

// One tensor "a" with the given fields over eight bytes of data.
std::string OneTensor(const std::string& fields) {
  return SafetensorsBytes(R"({"a":{)" + fields + "}}", Zeros(8));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BrokenSafetensorsTest,
    ::testing::Values(
        BrokenFile{"NoDType", OneTensor(R"("shape":[2],"data_offsets":[0,8])"),
                   "tensor \"a\": has no \"dtype\""},
        BrokenFile{"DTypeNumber", OneTensor(R"("dtype":1,"shape":[2],"data_offsets":[0,8])"),
                   "tensor \"a\": \"dtype\" is not a string"},
        BrokenFile{"DTypeUnknown",
                   OneTensor(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])"),
                   "tensor \"a\": dtype \"F8_E4M3\" is not supported (supported: BOOL, U8, I8, "
                   "U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64)"},
        BrokenFile{"NoShape", OneTensor(R"("dtype":"F32","data_offsets":[0,8])"),
                   "tensor \"a\": has no \"shape\""},
        BrokenFile{"ShapeNumber", OneTensor(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"),
                   "tensor \"a\": \"shape\" is not an array"},
        BrokenFile{"ShapeFraction",
                   OneTensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"),
                   "tensor \"a\": \"shape\" has an element that is no integer"},
        BrokenFile{"ShapeNegative",
                   OneTensor(R"("dtype":"F32","shape":[-1,-2],"data_offsets":[0,8])"),
                   "tensor \"a\": shape [-1, -2] has a negative dimension"},
        BrokenFile{"ShapeBeyondInt64",
                   OneTensor(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])"),
                   "tensor \"a\": the shape has a dimension of 9223372036854775808, which is too "
                   "large"},
        BrokenFile{
            "ShapeOverflow",
            OneTensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"),
            "tensor \"a\": shape [4294967296, 4294967296] has too many elements"},
        BrokenFile{"ShapeRank",
                   OneTensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8])"),
                   "tensor \"a\": the shape has 9 dimensions, at most 8 are supported"},
        BrokenFile{"ShapeLies", OneTensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
                   "tensor \"a\": f32 [3] needs 12 bytes, data_offsets [0, 8] hold 8"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Offsets, BrokenSafetensorsTest,
    ::testing::Values(
        BrokenFile{"Missing", OneTensor(R"("dtype":"F32","shape":[2])"),
                   "tensor \"a\": has no \"data_offsets\""},
        BrokenFile{"Three", OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
                   "tensor \"a\": \"data_offsets\" is not an array of two non-negative integers"},
        BrokenFile{"Negative", OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"),
                   "tensor \"a\": \"data_offsets\" is not an array of two non-negative integers"},
        BrokenFile{"Reversed", OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
                   "tensor \"a\": data_offsets [8, 0] are reversed"},
        BrokenFile{"PastTheData", OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[1,9])"),
                   "tensor \"a\": data_offsets [1, 9] reach past the 8 bytes of data"},
        BrokenFile{"Gap", OneTensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
                   "tensor \"a\": data_offsets [4, 8] leave a gap after byte 0"},
        BrokenFile{"Rest", OneTensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
                   "the tensors end at byte 4 of 8 bytes of data"},
        BrokenFile{"Overlap",
                   SafetensorsBytes(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                    R"("b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}})",
                                    Zeros(5)),
                   "tensor \"b\": data_offsets [2, 5] overlap the tensor before, which ends at 3"},
        BrokenFile{"SamePlace",
                   SafetensorsBytes(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                    R"("b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})",
                                    Zeros(3)),
                   "tensor \"b\": data_offsets [0, 3] overlap the tensor before, which ends at 3"}),
    NameOf);

TEST(SafetensorsTest, EveryTruncationIsRefused) {
  const std::string whole =
      SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", Zeros(8));
  const TemporaryDirectory directory;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto file = SafetensorsFile::Open(directory.Write("w", whole.substr(0, size)));
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_TRUE(SafetensorsFile::Open(directory.Write("w", whole)).ok());
}

TEST(SafetensorsTest, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  const std::string missing = directory.PathOf("missing");
  EXPECT_EQ(SafetensorsFile::Open(missing).status(),
            absl::NotFoundError(missing + ": no such file"));
  EXPECT_EQ(SafetensorsFile::Open(directory.path()).status(),
            absl::InvalidArgumentError(directory.path() + ": is a directory, a file is required"));
  const std::string loop = directory.PathOf("loop");
  std::filesystem::create_symlink("loop", loop);
  EXPECT_EQ(
      SafetensorsFile::Open(loop).status(),
      absl::InvalidArgumentError(loop + ": cannot be read: Too many levels of symbolic links"));
}

}  // namespace
}  // namespace attentiond
