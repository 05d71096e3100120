#include "client/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "client/file.h"
#include "core/tensor/half.h"

namespace attentiond::client {
namespace {

std::string File(absl::string_view header, absl::string_view data, char version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  bytes += std::string(header);
  bytes += std::string(data);
  return bytes;
}

std::string FloatBytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), 4 * values.size());
}

constexpr char kGoodHeader[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }   \n";

TEST(NpyTest, ParsesWhatNumPyWrites) {
  const auto tensor = ParseNpy(File(kGoodHeader, FloatBytes({1.5f, -2})));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->dtype(), DType::kF32);
  EXPECT_EQ(tensor->shape(), Shape({2, 1}));
  EXPECT_EQ(tensor->values<float>()[0], 1.5f);
  EXPECT_EQ(tensor->values<float>()[1], -2.0f);
}

TEST(NpyTest, ParsesVersionsAndSpellings) {
  for (const char version : {'\1', '\2', '\3'}) {
    EXPECT_TRUE(ParseNpy(File(kGoodHeader, FloatBytes({1, 2}), version)).ok()) << int{version};
  }
  // Keys in any order, other quotes, no trailing comma, a one-element tuple, a scalar.
  const auto reordered = ParseNpy(
      File("{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}\n", FloatBytes({1, 2})));
  ASSERT_TRUE(reordered.ok()) << reordered.status();
  EXPECT_EQ(reordered->shape(), Shape({2}));
  const auto scalar =
      ParseNpy(File("{'descr': '<f4', 'fortran_order': False, 'shape': ()}\n", FloatBytes({7})));
  ASSERT_TRUE(scalar.ok()) << scalar.status();
  EXPECT_EQ(scalar->shape().rank(), 0);
  // The order of one dimension's elements is the same either way.
  EXPECT_TRUE(
      ParseNpy(File("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}\n", FloatBytes({1, 2})))
          .ok());
}

TEST(NpyTest, RoundTripsEveryType) {
  for (const DType dtype :
       {DType::kBool, DType::kU8, DType::kI8, DType::kU16, DType::kI16, DType::kU32, DType::kI32,
        DType::kU64, DType::kI64, DType::kF16, DType::kF32, DType::kF64}) {
    Tensor tensor(dtype, Shape({2, 3}));
    char* const bytes = static_cast<char*>(tensor.mutable_view().data);
    // Every byte 0 or 1: valid for each type, bool included.
    for (size_t i = 0; i < tensor.view().num_bytes(); ++i) bytes[i] = static_cast<char>(i % 2);
    const auto read = ParseNpy(FormatNpy(tensor.view()));
    ASSERT_TRUE(read.ok()) << Name(dtype) << ": " << read.status();
    EXPECT_EQ(read->dtype(), dtype);
    EXPECT_EQ(read->shape(), tensor.shape());
    EXPECT_EQ(std::string(static_cast<const char*>(read->view().data), read->view().num_bytes()),
              std::string(bytes, tensor.view().num_bytes()));
  }
}

TEST(NpyTest, RoundTripsShapes) {
  for (const Shape& shape :
       {Shape(), Shape({1}), Shape({0}), Shape({3, 0, 2}), Shape({1, 1, 1, 1, 1, 1, 1, 2})}) {
    Tensor tensor(DType::kF32, shape);
    for (float& value : tensor.values<float>()) value = 0.25f;
    const std::string bytes = FormatNpy(tensor.view());
    EXPECT_EQ((bytes.size() - tensor.view().num_bytes()) % 64, 0u) << shape.ToString();
    const auto read = ParseNpy(bytes);
    ASSERT_TRUE(read.ok()) << shape.ToString() << ": " << read.status();
    EXPECT_EQ(read->shape(), shape);
  }
}

TEST(NpyTest, WidensBFloat16) {
  Tensor tensor(DType::kBF16, Shape({2}));
  tensor.values<BFloat16>()[0] = ToBFloat16(-1.5f);
  tensor.values<BFloat16>()[1] = ToBFloat16(std::numeric_limits<float>::infinity());
  const auto read = ParseNpy(FormatNpy(tensor.view()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->dtype(), DType::kF32);
  EXPECT_EQ(read->values<float>()[0], -1.5f);
  EXPECT_TRUE(std::isinf(read->values<float>()[1]));
}

struct BrokenFile {
  const char* name;
  std::string bytes;
  const char* message;  // a part of what is said about it
};

TEST(NpyTest, RefusesBrokenFiles) {
  const std::string two = FloatBytes({1, 2});
  const std::string good = File(kGoodHeader, two);
  const auto header = [&](const char* text) { return File(text, two); };
  const BrokenFile files[] = {
      {"empty", "", "does not start with"},
      {"another format", "PK\x03\x04 a zip archive", "does not start with"},
      {"no version", good.substr(0, 7), "ends inside the version"},
      {"version 9", File(kGoodHeader, two, 9), "version 9.0"},
      {"no length", good.substr(0, 9), "ends inside the header length"},
      {"cut header", good.substr(0, 30), "bytes, but only"},
      {"huge header", std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12),
       "a header of 4294967295"},
      {"no newline", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"), "newline"},
      {"not a dict", header("[1, 2]\n"), "expected '{'"},
      {"empty dict", header("{}\n"), "must have"},
      {"key missing", header("{'descr': '<f4', 'shape': (2,)}\n"), "must have"},
      {"key twice", header("{'descr': '<f4', 'descr': '<f4'}\n"), "appears twice"},
      {"key unknown", header("{'dtype': '<f4'}\n"), "unknown header key 'dtype'"},
      {"big-endian", header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}\n"), "'>f4'"},
      {"objects", header("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}\n"), "'|O'"},
      {"structured", header("{'descr': [('a', '<f4')], 'shape': (2,)}\n"), "structured"},
      {"Fortran order", header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}\n"),
       "ascontiguousarray"},
      {"not a bool", header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}\n"),
       "True or False"},
      {"negative", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}\n"),
       "a dimension"},
      {"too large a dimension",
       header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}\n"),
       "a dimension"},
      {"overflow",
       header("{'descr': '<f4', 'fortran_order': False, 'shape': (9000000000, 9000000000)}\n"),
       "too many elements"},
      {"too many dimensions",
       header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}\n"), "9"},
      {"open string", header("{'descr: <f4\n"), "closing quote"},
      {"open tuple", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2\n"), "','"},
      {"rubbish behind",
       header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} import os\n"),
       "only spaces"},
      {"too little data", good.substr(0, good.size() - 1), "needs 8 bytes of data, found 7"},
      {"too much data", good + "x", "needs 8 bytes of data, found 9"},
      {"bool of 2",
       File("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}\n",
            std::string("\x01\x02", 2)),
       "neither 0 nor 1"},
  };
  for (const BrokenFile& file : files) {
    const auto tensor = ParseNpy(file.bytes);
    EXPECT_EQ(tensor.status().code(), absl::StatusCode::kInvalidArgument) << file.name;
    EXPECT_NE(tensor.status().message().find(file.message), absl::string_view::npos)
        << file.name << ": " << tensor.status().message();
  }
}

TEST(NpyTest, EveryPrefixOfAFileIsRefused) {
  const std::string good = File(kGoodHeader, FloatBytes({1, 2}));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseNpy(absl::string_view(good).substr(0, size)).ok()) << size;
  }
}

TEST(NpyTest, ReadsAndWritesFiles) {
  const std::string path = testing::TempDir() + "/npy_test.npy";
  Tensor tensor(DType::kF64, Shape({2}));
  tensor.values<double>()[0] = 0.1;
  tensor.values<double>()[1] = -1e300;
  ASSERT_TRUE(WriteNpy(path, tensor.view()).ok());
  const auto read = ReadNpy(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->values<double>()[0], 0.1);
  EXPECT_EQ(read->values<double>()[1], -1e300);

  EXPECT_NE(ReadNpy(path, /*max_bytes=*/16).status().message().find("longer than the limit"),
            absl::string_view::npos);
  EXPECT_TRUE(absl::IsNotFound(ReadNpy(path + ".missing").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadNpy(testing::TempDir()).status()));
  ASSERT_TRUE(WriteFile(path, "text").ok());
  const auto broken = ReadNpy(path);
  EXPECT_EQ(broken.status().message().find(path), 0u) << broken.status();
  EXPECT_TRUE(absl::IsUnavailable(WriteNpy("/nonexistent/file.npy", tensor.view())));
}

}  // namespace
}  // namespace attentiond::client
