#include "client/npy_row_writer.h"

#include <gtest/gtest.h>

#include "client/npy.h"

namespace attentiond::client {
namespace {

TEST(NpyRowWriterTest, WritesWhatReadNpyReads) {
  const std::string path = testing::TempDir() + "/npy_row_writer_test.npy";
  for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{1234}}) {
    auto writer = NpyRowWriter::Create(path);
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (int64_t row = 0; row < rows; ++row) {
      ASSERT_TRUE((*writer)->Append({static_cast<float>(row), 0.5f, -1}).ok());
    }
    ASSERT_TRUE((*writer)->Finish().ok());
    const auto tensor = ReadNpy(path);
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_EQ(tensor->shape(), Shape({rows, 3}));
    for (int64_t row = 0; row < rows; ++row) {
      EXPECT_EQ(tensor->values<float>()[static_cast<size_t>(3 * row)], static_cast<float>(row));
    }
  }
}

TEST(NpyRowWriterTest, NoRowsIsAnEmptyArray) {
  const std::string path = testing::TempDir() + "/npy_row_writer_test_empty.npy";
  auto writer = NpyRowWriter::Create(path);
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ(ReadNpy(path)->shape(), Shape({0, 0}));
}

TEST(NpyRowWriterTest, RefusesOtherWidthsAndPlaces) {
  auto writer = NpyRowWriter::Create(testing::TempDir() + "/npy_row_writer_test_width.npy");
  ASSERT_TRUE((*writer)->Append({1, 2}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument((*writer)->Append({1, 2, 3})));
  EXPECT_TRUE(absl::IsUnavailable(NpyRowWriter::Create("/nonexistent/x.npy").status()));
}

}  // namespace
}  // namespace attentiond::client
